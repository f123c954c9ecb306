#pragma once

#include <optional>

#include "binding/host.h"
#include "binding/lock.h"
#include "binding/record.h"

namespace strait::binding {

/// One PCI function in the hands of this process: its lock, its record, and the changes made to it. One thread.
///
/// A run makes one for each managed function, binds it, and releases it when the guest is gone: at the latest the destructor puts
/// everything back. `strait bind` keeps what it did, for `strait release`. A process that is killed leaves the record; whoever next takes
/// the function undoes a run's first.
class Lease {
 public:
  /// Takes the lock, and puts right what a run that was killed left. Throws Error where another process has the function, or where that
  /// fails.
  Lease(const host::Bdf& function, Owner owner, const Host& host);
  /// The same with a lock taken before.
  Lease(Lock lock, Owner owner, const Host& host);
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&&) = delete;
  ~Lease();

  const host::Bdf& function() const { return record_.function; }

  /// Notes the settings of this VF, and what strait makes of them. Comes before the first change to them; and again where the driver
  /// made something else of them.
  void remember_vf(const VfBefore& before);
  /// Notes a sysfs attribute that is about to become `ours`. Comes before the change; without effect where that is what it has.
  void remember_attribute(const std::string& path, const std::string& ours);

  /// Notes how the function is bound, and what hangs on its driver. A VFIO driver that it has already may stay: then there is nothing to note,
  /// nor to do. The caller has asked check_bindable(). Of several that are to be bound all or none, `batch` says so, and all are noted before
  /// the first is taken, which may change what the others are.
  void remember_driver(const std::optional<Batch>& batch = {});
  /// Puts the function on vfio-pci, after remember_driver(). Throws Error where it cannot be done; releasing undoes then what was.
  void bind();

  /// Undoes everything that the record has, removes it, and frees the lock. Throws Error where that fails: the record stays then. Nothing
  /// after the first time.
  void release();
  /// Notes that this is all: `strait release` is to undo it, and nobody before. Comes before the first of several is kept.
  void complete();
  /// Frees the lock, and leaves record and changes.
  void keep();

 private:
  void save();

  Host host_;
  Records records_;
  std::optional<Lock> lock_;
  Record record_;
  bool saved_ = false;
};

}  // namespace strait::binding
