#include "files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>  // RENAME_NOREPLACE

#include "disposal.h"
#include "status.h"

namespace vgpu {
namespace {

constexpr int kRead = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
constexpr int kCreate = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
constexpr int64_t kSecond = 1000000000;
// Of 512 bytes. To free a file of one block of a file system takes no time to speak of.
constexpr blkcnt_t kFewBlocks = 8;

int result(int status) { return status < 0 ? -errno : status; }

int64_t nanoseconds(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

Stats stats_of(const struct stat& file) {
  return {static_cast<int64_t>(file.st_dev),
          static_cast<int64_t>(file.st_ino),
          file.st_mode,
          static_cast<int64_t>(file.st_nlink),
          file.st_uid,
          file.st_gid,
          file.st_size,
          file.st_blocks,
          nanoseconds(file.st_mtim),
          nanoseconds(file.st_ctim)};
}

// Reports the first failure, and closes in any case.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  // For what was written: some file systems tell of a full disk only now.
  int finish() {
    const int number = number_;
    number_ = -1;
    return result(close(number));
  }

 private:
  int number_;
};

// A guest may have removed the file meanwhile: then to close it is to free it.
class GuestsFile {
 public:
  GuestsFile(int directory, const char* name)
      : directory_(directory), number_(openat(directory, name, kRead)) {}
  ~GuestsFile() {
    struct stat is;
    if (number_ < 0) return;
    if (status_of(number_, is) == 0 && is.st_blocks > kFewBlocks) {
      close_later(directory_, number_);
    } else {
      close(number_);
    }
  }
  GuestsFile(const GuestsFile&) = delete;
  GuestsFile& operator=(const GuestsFile&) = delete;
  int number() const { return number_; }

 private:
  int directory_;
  int number_;
};

int write_all(int file, const std::string& content) {
  for (size_t written = 0; written < content.size();) {
    // By position: the tests that hit each call count these apart from the writes that wake a thread.
    const ssize_t bytes =
        pwrite(file, content.data() + written, content.size() - written, static_cast<off_t>(written));
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return -errno;
    written += static_cast<size_t>(bytes);
  }
  return 0;
}

int set_times(int file, int64_t mtime_ns) {
  const timespec time = {mtime_ns / kSecond, mtime_ns % kSecond};
  const timespec times[] = {time, time};
  return result(futimens(file, times));
}

int set_attributes(int file, const Attributes& wanted) {
  if (wanted.mtime_ns >= 0) {
    if (const int status = set_times(file, wanted.mtime_ns); status < 0) return status;
  }
  struct stat is;
  if (status_of(file, is) < 0) return -errno;
  // The umask has taken something away.
  if ((is.st_mode & 0777) != wanted.mode && fchmod(file, wanted.mode) < 0) return -errno;
  if (is.st_uid == wanted.uid && is.st_gid == wanted.gid) return 0;
  // A developer's mediator shares the user of its clients; a namespace need not know the user.
  const int status = result(fchown(file, wanted.uid, wanted.gid));
  return status == -EPERM || status == -EINVAL ? 0 : status;
}

}  // namespace

int stat_at(int directory, const char* name, Stats& stats) {
  struct stat file;
  if (status_at(directory, name, AT_SYMLINK_NOFOLLOW, file) < 0) return -errno;
  stats = stats_of(file);
  return 0;
}

int64_t read_at(int directory, const char* name, char* bytes, size_t capacity, Stats& stats) {
  const GuestsFile file(directory, name);
  if (file.number() < 0) return -errno;
  struct stat is;
  if (status_of(file.number(), is) < 0) return -errno;
  stats = stats_of(is);
  // One of another tenant may have been given a second name here.
  const bool is_own = S_ISREG(is.st_mode) && is.st_nlink == 1;
  if (!is_own || static_cast<size_t>(is.st_size) > capacity) return 0;
  const ssize_t length = read(file.number(), bytes, capacity);
  return length < 0 ? -errno : length;
}

int create_at(int directory, const char* name, const std::string& content, const Attributes& wanted) {
  Descriptor file(openat(directory, name, kCreate, wanted.mode));
  if (file.number() < 0) return -errno;
  if (const int status = write_all(file.number(), content); status < 0) return status;
  if (const int status = set_attributes(file.number(), wanted); status < 0) return status;
  return file.finish();
}

int open_at(int directory, const char* name) {
  return result(openat(directory, name, kRead));
}

int rename_at(int directory, const char* from, const char* to, uint32_t flags) {
  return result(static_cast<int>(syscall(SYS_renameat2, directory, from, directory, to, flags)));
}

int link_at(int directory, const char* from, const char* to) {
  return result(linkat(directory, from, directory, to, 0));
}

int hold_at(int directory, const char* name) {
  return result(openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace vgpu
