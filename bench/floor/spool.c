// The floor of a round trip: two processes in C that exchange requests and responses by the file
// operations of docs/reference/protocol.md, and notify each other by inotify. They check nothing,
// queue nothing and trust everything; serving hostile guests takes more.
//
//   spool server <root> <VMs>                          serves <root>/vm1 .. <root>/vm<VMs> until killed
//   spool client <root> <VMs> <in flight> <requests>   sends that many requests in total; prints nanoseconds,
//                                                      one line for each request, and at the end those of
//                                                      the whole
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_VMS = 1000, MAX_IN_FLIGHT = 64, LINE_BYTES = 256 };

static int directories[MAX_VMS + 1];
static int vm_of_watch[MAX_VMS + 2];

static void die(const char *what) {
  perror(what);
  exit(1);
}

/** Watches the directories of all VMs for files that are renamed into their place. */
static int watch_all(const char *root, int vms) {
  int watches = inotify_init1(IN_CLOEXEC);
  if (watches < 0) die("inotify_init1");
  for (int vm = 1; vm <= vms; vm += 1) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/vm%d", root, vm);
    directories[vm] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directories[vm] < 0) die(path);
    int watch = inotify_add_watch(watches, path, IN_MOVED_TO);
    if (watch < 0) die(path);
    vm_of_watch[watch] = vm;
  }
  return watches;
}

/** Writes a file under a temporary name, and renames it into its place. */
static void put(int directory, const char *name, const char *text, size_t length) {
  char temporary[NAME_MAX];
  snprintf(temporary, sizeof temporary, ".%s.tmp", name);
  int file = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) die(temporary);
  if (write(file, text, length) != (ssize_t)length) die("write");
  close(file);
  if (renameat(directory, temporary, directory, name) < 0) die("renameat");
}

/** Reads a file with one line; returns its length. */
static ssize_t get(int directory, const char *name, char *line) {
  int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return -1;
  struct stat stat;
  if (fstat(file, &stat) < 0) die("fstat");
  ssize_t length = read(file, line, LINE_BYTES - 1);
  if (length < 0) die("read");
  line[length] = '\0';
  close(file);
  return length;
}

static void serve(int vm, const char *name) {
  char line[LINE_BYTES], answer[LINE_BYTES], response[NAME_MAX];
  int number, pool_priority_vm;
  long long a, b;
  if (sscanf(name, "request-%d.txt", &number) != 1) return;
  if (get(directories[vm], name, line) < 0) return;
  if (sscanf(line, "%*c:%*d:%d:%lld:%lld", &pool_priority_vm, &a, &b) != 3) return;
  int length = snprintf(answer, sizeof answer, "%d\n", (int32_t)(uint32_t)(a + b));
  snprintf(response, sizeof response, "response-%d.txt", number);
  put(directories[vm], response, answer, (size_t)length);
  unlinkat(directories[vm], name, 0);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int sent;
static uint64_t *sent_at;

static void send_next(int vm, int requests) {
  if (sent == requests) return;
  int number = sent;
  sent += 1;
  char name[NAME_MAX], line[LINE_BYTES];
  sent_at[number] = now();
  snprintf(name, sizeof name, "response-%d.txt", number);
  int file = openat(directories[vm], name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) die(name);
  close(file);
  snprintf(name, sizeof name, "request-%d.txt", number);
  int length = snprintf(line, sizeof line, "A:1:%d:%d:1\n", vm, number);
  put(directories[vm], name, line, (size_t)length);
}

/** 1 if it was a response. */
static int receive(int vm, const char *name, int requests, uint64_t *took) {
  int number;
  char line[LINE_BYTES];
  if (sscanf(name, "response-%d.txt", &number) != 1) return 0;
  if (get(directories[vm], name, line) < 0) die(name);
  if (atoi(line) != number + 1) die("a wrong sum");
  unlinkat(directories[vm], name, 0);
  took[number] = now() - sent_at[number];
  send_next(vm, requests);
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 4) return 64;
  int is_client = strcmp(argv[1], "client") == 0;
  int vms = atoi(argv[3]);
  if (vms < 1 || vms > MAX_VMS || (is_client && argc < 6)) return 64;
  int watches = watch_all(argv[2], vms);
  int requests = is_client ? atoi(argv[5]) : 0;
  uint64_t *took = calloc((size_t)requests + 1, sizeof *took);
  sent_at = calloc((size_t)requests + 1, sizeof *sent_at);
  uint64_t start = now();
  if (is_client) {
    for (int round = 0; round < atoi(argv[4]); round += 1) {
      for (int vm = 1; vm <= vms; vm += 1) send_next(vm, requests);
    }
  } else {
    puts("ready");
    fflush(stdout);
  }
  static char events[1 << 16] __attribute__((aligned(8)));
  for (int received = 0; !is_client || received < requests;) {
    ssize_t length = read(watches, events, sizeof events);
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) die("read of inotify");
    for (char *at = events; at < events + length;) {
      struct inotify_event *event = (struct inotify_event *)at;
      at += sizeof *event + event->len;
      if (event->len == 0) continue;
      int vm = vm_of_watch[event->wd];
      if (is_client) received += receive(vm, event->name, requests, took);
      else serve(vm, event->name);
    }
  }
  uint64_t whole = now() - start;
  for (int number = 0; number < requests; number += 1) printf("%llu\n", (unsigned long long)took[number]);
  printf("%llu\n", (unsigned long long)whole);
  return 0;
}
