// An image with kernels, loaded into a context.
#pragma once

#include <memory>

#include "context.h"
#include "driver.h"

namespace vgpu {

class Module {
 public:
  // Loads a fat binary, a cubin, or PTX that ends with a zero byte. With the context current. Throws
  // CudaFailure.
  Module(std::shared_ptr<Context> context, const void* image);
  // None of its kernels may be running.
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  // With the context current. Throws CudaFailure.
  CUfunction function(const char* name) const;

  const std::shared_ptr<Context>& context() const { return context_; }

 private:
  const std::shared_ptr<Context> context_;
  CUmodule module_ = nullptr;
};

}  // namespace vgpu
