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

  /// Puts the function on vfio-pci. A VFIO driver that it has already may stay. The caller has asked check_bindable(). Of several that are
  /// to be bound all or none, `first` is the one that is made complete first. Throws Error where it cannot be done; releasing undoes then
  /// what was.
  void bind(std::optional<host::Bdf> first = {});

  /// Undoes everything that the record has, removes it, and frees the lock. Throws Error where that fails: the record stays then. Nothing
  /// after the first time.
  void release();
  /// Notes that this is all: `strait release` is to undo it, and nobody before. Comes before the first of several is kept.
  void complete();
  /// Frees the lock, and leaves record and changes.
  void keep();

 private:
  void save();
  /// The changes that put the function on vfio-pci.
  void take_from_host();

  Host host_;
  Records records_;
  std::optional<Lock> lock_;
  Record record_;
  bool saved_ = false;
};

}  // namespace strait::binding
