// A stream: what is launched in it runs in that order.
#pragma once

#include <memory>

#include "context.h"
#include "driver.h"

namespace vgpu {

class Stream {
 public:
  // With the context current. Throws CudaFailure.
  explicit Stream(std::shared_ptr<Context> context);
  // Waits for what was launched.
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // With the context current. Throws CudaFailure.
  void synchronize() const { VGPU_CALL(context_->driver(), cuStreamSynchronize, stream_); }
  bool is_idle() const;

  CUstream get() const { return stream_; }

 private:
  const std::shared_ptr<Context> context_;
  CUstream stream_ = nullptr;
};

}  // namespace vgpu
