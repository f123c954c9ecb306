#include "boot/kernel_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "tests/unit/boot/kernel_builder.h"
#include "tests/unit/boot/throws.h"

namespace strait::boot {
namespace {

namespace fs = std::filesystem;
using namespace test;

/// Sets an environment variable, or removes it, and puts it back.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    value != nullptr ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~Environment() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

class KernelCacheTest : public testing::Test {
 protected:
  KernelCache open() const { return *KernelCache::open(directory_.path()); }
  std::string entry_path(const ContentKey& key) const { return directory_.path() + "/kernels/" + key.hex() + ".elf"; }
  std::size_t files() const {
    const fs::directory_iterator first(directory_.path() + "/kernels");
    return static_cast<std::size_t>(std::distance(first, fs::directory_iterator()));
  }
  /// Overwrites a byte of an entry behind the cache's back.
  void damage(const ContentKey& key, off_t offset) const {
    const int fd = ::open(entry_path(key).c_str(), O_RDWR);
    const char wrong = 0x55;
    ASSERT_EQ(::pwrite(fd, &wrong, 1, offset), 1);
    ::close(fd);
  }

  TemporaryDirectory directory_;
  /// With holes, at the end too.
  const Bytes elf_ = concatenate({Bytes(5000, 1), Bytes(100000), Bytes(10, 2), Bytes(9000)});
  const ContentKey key_{{1, 2}};
};

Bytes content(const FileSource& source) {
  Bytes bytes(source.size());
  source.read(0, bytes);
  return bytes;
}

TEST_F(KernelCacheTest, WhatIsStoredIsFound) {
  ASSERT_NE(open().store(key_, elf_), nullptr);
  const auto found = open().find(key_);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(content(*found), elf_);
}

TEST_F(KernelCacheTest, StoreGivesWhatFindWould) { EXPECT_EQ(content(*open().store(key_, elf_)), elf_); }

TEST_F(KernelCacheTest, ReadOverZeroesGivesTheSameBytes) {
  const auto stored = open().store(key_, elf_);
  Bytes bytes(elf_.size());
  stored->read_over_zeroes(0, bytes);
  EXPECT_EQ(bytes, elf_);
  Bytes middle(200);
  stored->read_over_zeroes(4900, middle);
  EXPECT_EQ(middle, Bytes(elf_.begin() + 4900, elf_.begin() + 5100));
}

TEST_F(KernelCacheTest, OtherKeysAreNotFound) {
  open().store(key_, elf_);
  EXPECT_EQ(open().find(ContentKey{{1, 3}}), nullptr);
}

TEST_F(KernelCacheTest, ATruncatedEntryIsDeleted) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, std::size_t{5000}, elf_.size()}) {
    open().store(key_, elf_);
    fs::resize_file(entry_path(key_), size);
    EXPECT_EQ(open().find(key_), nullptr);
    EXPECT_FALSE(fs::exists(entry_path(key_)));
  }
}

TEST_F(KernelCacheTest, AnEntryUnderAnotherNameIsDeleted) {
  open().store(key_, elf_);
  const ContentKey other{{7, 7}};
  fs::rename(entry_path(key_), entry_path(other));
  EXPECT_EQ(open().find(other), nullptr);
  EXPECT_FALSE(fs::exists(entry_path(other)));
}

/// The boot ID is the trailer's last field: 40 bytes.
TEST_F(KernelCacheTest, AfterARebootOfTheHostTheContentIsVerifiedOnce) {
  open().store(key_, elf_);
  const auto size = static_cast<off_t>(fs::file_size(entry_path(key_)));
  damage(key_, size - 40);
  ASSERT_NE(open().find(key_), nullptr);
  // Known to be whole in this boot of the host again, so nobody looks any more.
  damage(key_, 100);
  EXPECT_NE(open().find(key_), nullptr);
}

TEST_F(KernelCacheTest, WhatAHostCrashDamagedIsDeleted) {
  open().store(key_, elf_);
  damage(key_, static_cast<off_t>(fs::file_size(entry_path(key_))) - 40);
  damage(key_, 100);
  EXPECT_EQ(open().find(key_), nullptr);
  EXPECT_FALSE(fs::exists(entry_path(key_)));
}

TEST_F(KernelCacheTest, KeepsTheMostRecentlyUsed) {
  const KernelCache cache = open();
  for (std::uint64_t i = 0; i < KernelCache::kEntriesMax; ++i) {
    cache.store(ContentKey{{i, 0}}, elf_);
    const timespec times[2] = {{1000 + static_cast<time_t>(i), 0}, {1000 + static_cast<time_t>(i), 0}};
    ::utimensat(AT_FDCWD, entry_path(ContentKey{{i, 0}}).c_str(), times, 0);
  }
  ASSERT_NE(cache.find(ContentKey{{0, 0}}), nullptr);
  cache.store(ContentKey{{100, 0}}, elf_);
  EXPECT_EQ(files(), KernelCache::kEntriesMax);
  EXPECT_NE(cache.find(ContentKey{{0, 0}}), nullptr);
  EXPECT_EQ(cache.find(ContentKey{{1, 0}}), nullptr);
  EXPECT_NE(cache.find(ContentKey{{100, 0}}), nullptr);
}

TEST_F(KernelCacheTest, RemovesWhatKilledProcessesLeft) {
  open();
  directory_.file("kernels/new.1.0", bytes("old"));
  const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
  ::utimensat(AT_FDCWD, (directory_.path() + "/kernels/new.1.0").c_str(), long_ago, 0);
  directory_.file("kernels/new.2.0", bytes("being written"));
  open().store(key_, elf_);
  EXPECT_FALSE(fs::exists(directory_.path() + "/kernels/new.1.0"));
  EXPECT_TRUE(fs::exists(directory_.path() + "/kernels/new.2.0"));
}

TEST_F(KernelCacheTest, IsPrivate) {
  open().store(key_, elf_);
  struct stat status {};
  ASSERT_EQ(::stat((directory_.path() + "/kernels").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
  ASSERT_EQ(::stat(entry_path(key_).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(KernelCacheTest, RefusesADirectoryThatOthersCanEnter) {
  open();
  ::chmod((directory_.path() + "/kernels").c_str(), 0750);
  EXPECT_FALSE(KernelCache::open(directory_.path()));
}

TEST_F(KernelCacheTest, RefusesASymbolicLink) {
  fs::create_directory(directory_.path() + "/elsewhere");
  fs::create_directory_symlink(directory_.path() + "/elsewhere", directory_.path() + "/kernels");
  EXPECT_FALSE(KernelCache::open(directory_.path()));
}

TEST_F(KernelCacheTest, AnUnusableDirectoryMeansNoCache) {
  EXPECT_FALSE(KernelCache::open(directory_.file("file", bytes("x"))));
  EXPECT_FALSE(KernelCache::open("/proc/nowhere"));
}

TEST_F(KernelCacheTest, CreatesTheDirectoriesAboveIt) {
  EXPECT_TRUE(KernelCache::open(directory_.path() + "/a/b/c"));
  EXPECT_TRUE(fs::is_directory(directory_.path() + "/a/b/c/kernels"));
}

TEST(CacheDirectory, ComesFromTheEnvironmentInThisOrder) {
  const Environment own("STRAIT_CACHE", "/own"), xdg("XDG_CACHE_HOME", "/xdg"), home("HOME", "/home/me");
  EXPECT_EQ(cache_directory(), "/own");
  ::setenv("STRAIT_CACHE", "", 1);
  EXPECT_EQ(cache_directory(), "/xdg/strait");
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(cache_directory(), "/home/me/.cache/strait");
  ::unsetenv("HOME");
  EXPECT_EQ(cache_directory(), std::nullopt);
}

TEST(ContentHash, DependsOnEveryByteAndOnTheLength) {
  Bytes data(100);
  const ContentKey zero = hash_content(data);
  for (std::size_t i = 0; i < data.size(); ++i) {
    data[i] = 0x80;
    EXPECT_NE(hash_content(data).value[0], zero.value[0]) << i;
    EXPECT_NE(hash_content(data).value[1], zero.value[1]) << i;
    data[i] = 0;
  }
  data.push_back(0);
  EXPECT_NE(hash_content(data), zero);
}

TEST(ContentHash, PiecesGiveTheSameAsTheWhole) {
  Bytes data(1000);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 7);
  ContentHash hash;
  hash.update(std::span(data).first(320));
  hash.update(std::span(data).subspan(320, 640));
  hash.update(std::span(data).subspan(960));
  EXPECT_EQ(hash.finish(), hash_content(data));
  EXPECT_EQ(hash.finish().hex().size(), 32u);
}

}  // namespace
}  // namespace strait::boot
