#pragma once
// Calls on names that are directly in an open directory. Nothing is followed, nothing blocks. Each
// gives 0 or a count, or a negative errno.
#include <cstdint>
#include <string>

namespace vgpu {

// As fstat(2) has it, in the order that `NativeAddon.statAt` in src/addon.ts promises.
struct Stats {
  int64_t dev, ino, mode, nlink, uid, gid, size, blocks, mtime_ns, ctime_ns;
};
constexpr size_t kStats = sizeof(Stats) / sizeof(int64_t);

int stat_at(int directory, const char* name, Stats& stats);

// Opens a file and looks at it; reads it once if it is a regular one with one name, of at most `capacity`
// bytes.
int64_t read_at(int directory, const char* name, char* bytes, size_t capacity, Stats& stats);

struct Attributes {
  uint32_t mode, uid, gid;
  // Since the epoch; negative to leave it alone.
  int64_t mtime_ns;
};

// Makes a new file. What cannot be given away stays ours: only root may do that.
int create_at(int directory, const char* name, const std::string& content, const Attributes& attributes);

int open_at(int directory, const char* name);
// A descriptor that only keeps what has the name, of any kind and mode.
int hold_at(int directory, const char* name);
// `flags` as those of renameat2(2).
int rename_at(int directory, const char* from, const char* to, uint32_t flags);
int link_at(int directory, const char* from, const char* to);

}  // namespace vgpu
