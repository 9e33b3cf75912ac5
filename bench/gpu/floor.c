/*
 * The floor of the GPU benchmark: the same work in C on the bare CUDA driver, with default flags, which make
 * it spin while it waits.
 *
 *   floor [index]      prints `ready <CUDA version> <device>`, then responds to each line of stdin:
 *
 *   mapped N           N sums: operands and sum in mapped pinned memory, launch, synchronise
 *   textbook N         N sums: copy in, copy in, launch, copy out, with synchronous copies
 *   async N            the same with asynchronous copies from pinned memory
 *   flag N             N sums: operands as arguments; the kernel stores the sum and a number in
 *                      mapped memory, where this thread waits for it
 *   flood N DEPTH      N sums in that way with DEPTH in flight
 *   copy BYTES REPS    REPS times 2*BYTES in while BYTES go out, then in alone, then out alone;
 *                      BYTES are the same each time, 65536 or more
 *   quit
 *
 * The response is one line of integers: nanoseconds of each sum; for `flood`, of all together; for `copy`,
 * three for each repetition. Every result is checked. Any error ends the program with a message and status 1.
 */
#define _POSIX_C_SOURCE 200809L
#include "driver.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_DEPTH 512
#define BLOCK ((size_t)65536)

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static uint32_t random_word(void) {
  static uint32_t state = 2463534242u;
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

/* Writes operands where the GPU reads them itself, or copies them there and the sum back. */
static void sums(const char *how, long count) {
  static int32_t *pinned;
  static Address mapped, device;
  if (!pinned) {
    pinned = pinned_memory(3 * sizeof *pinned, &mapped);
    device = device_memory(3 * sizeof *pinned);
  }
  const int is_mapped = !strcmp(how, "mapped"), is_async = !strcmp(how, "async");
  const size_t size = sizeof *pinned;
  int32_t pageable[3];
  int32_t *host = is_mapped || is_async ? pinned : pageable;
  Address a = is_mapped ? mapped : device, b = a + size, sum = b + size;
  void *arguments[] = {&a, &b, &sum};
  for (long i = 0; i < count; i++) {
    const uint32_t x = random_word(), y = random_word();
    const int64_t start = now();
    host[0] = (int32_t)x;
    host[1] = (int32_t)y;
    if (is_mapped) {
      launch(add_kernel, arguments, stream);
      CHECK(cuStreamSynchronize, stream);
    } else if (is_async) {
      CHECK(cuMemcpyHtoDAsync_v2, a, host, size, stream);
      CHECK(cuMemcpyHtoDAsync_v2, b, host + 1, size, stream);
      launch(add_kernel, arguments, stream);
      CHECK(cuMemcpyDtoHAsync_v2, host + 2, sum, size, stream);
      CHECK(cuStreamSynchronize, stream);
    } else {
      CHECK(cuMemcpyHtoD_v2, a, host, size);
      CHECK(cuMemcpyHtoD_v2, b, host + 1, size);
      launch(add_kernel, arguments, NULL);
      CHECK(cuMemcpyDtoH_v2, host + 2, sum, size);
    }
    const uint32_t received = *(volatile uint32_t *)(host + 2);
    const int64_t end = now();
    if (received != x + y) fail("a wrong sum");
    printf("%lld ", (long long)(end - start));
  }
}

/* Sums that the kernel reports by itself. Prints the time of each, or of all. */
static void flags(long count, long depth, int each) {
  static volatile uint64_t *slots;
  static Address mapped;
  static uint32_t number;
  static uint32_t expected[MAX_DEPTH];
  if (!slots) slots = pinned_memory(MAX_DEPTH * sizeof *slots, &mapped);
  const uint32_t first = number + 1;
  const int64_t start = now();
  for (long i = 0; i < count + depth - 1; i++) {
    const int64_t begin = each ? now() : 0;
    if (i < count) {
      uint32_t a = random_word(), b = random_word();
      Address slot = mapped + (Address)(i % depth) * sizeof *slots;
      void *arguments[] = {&a, &b, &number, &slot};
      number++;
      expected[i % depth] = a + b;
      launch(flag_kernel, arguments, stream);
    }
    const long done = i - depth + 1;
    if (done < 0) continue;
    const uint32_t awaited = first + (uint32_t)done;
    uint64_t value;
    const int64_t limit = now() + INT64_C(5000000000);
    for (unsigned turns = 1; (value = slots[done % depth]) >> 32 != awaited; turns++) {
      if (turns % 65536 == 0 && now() > limit) fail("a kernel did not finish within 5 s");
    }
    if ((uint32_t)value != expected[done % depth]) fail("a wrong sum");
    if (each) printf("%lld ", (long long)(now() - begin));
  }
  if (!each) printf("%lld ", (long long)(now() - start));
}

static void copies(size_t bytes, long repetitions) {
  static size_t room;
  static Address in, out;
  static unsigned char *source, *target;
  if (!room) {
    Address unused;
    in = device_memory(2 * bytes);
    out = device_memory(bytes);
    source = pinned_memory(2 * bytes, &unused);
    target = pinned_memory(bytes, &unused);
    for (size_t i = 0; i < 2 * bytes / 4; i++) ((uint32_t *)source)[i] = random_word();
    CHECK(cuMemcpyHtoD_v2, out, source, bytes);
    room = bytes;
  }
  if (bytes != room) fail("copy: expected the same size as before");
  for (long i = 0; i < 3 * (repetitions + 1); i++) {
    const int comes = i % 3 != 2, goes = i % 3 != 1;
    memset(target, 0, BLOCK);
    memset(target + bytes - BLOCK, 0, BLOCK);
    const int64_t start = now();
    if (comes) CHECK(cuMemcpyHtoDAsync_v2, in, source, 2 * bytes, stream);
    if (goes) CHECK(cuMemcpyDtoHAsync_v2, target, out, bytes, back_stream);
    CHECK(cuStreamSynchronize, stream);
    CHECK(cuStreamSynchronize, back_stream);
    const int64_t end = now();
    if (goes && (memcmp(target, source, BLOCK) ||
                 memcmp(target + bytes - BLOCK, source + bytes - BLOCK, BLOCK)))
      fail("a wrong copy to the host");
    if (i >= 3) printf("%lld ", (long long)(end - start)); /* the first round warms up */
  }
  CHECK(cuMemcpyDtoH_v2, target, in + 2 * bytes - BLOCK, BLOCK);
  if (memcmp(target, source + 2 * bytes - BLOCK, BLOCK)) fail("a wrong copy to the device");
}

int main(int argc, char **argv) {
  /* The reader must not wake up in the middle of a measurement. */
  setvbuf(stdout, NULL, _IOFBF, 1 << 20);
  open_device(argc > 1 ? atoi(argv[1]) : 0);
  fflush(stdout);
  char line[128], command[16];
  while (fgets(line, sizeof line, stdin)) {
    long first = 0, second = 0;
    const int words = sscanf(line, "%15s %ld %ld", command, &first, &second);
    if (words < 1) continue;
    if (!strcmp(command, "quit")) break;
    if (words < 2 || first < 1) fail("expected a command and a number");
    if (!strcmp(command, "mapped") || !strcmp(command, "textbook") || !strcmp(command, "async"))
      sums(command, first);
    else if (!strcmp(command, "flag"))
      flags(first, 1, 1);
    else if (!strcmp(command, "flood") && second >= 1 && second <= MAX_DEPTH)
      flags(first, second, 0);
    else if (!strcmp(command, "copy") && (size_t)first >= BLOCK && second >= 1)
      copies((size_t)first, second);
    else
      fail("an unknown command or a number out of range");
    printf("\n");
    if (fflush(stdout)) fail("cannot write to stdout");
  }
  return 0;
}
