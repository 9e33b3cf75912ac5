// A kernel of a module, its parameters and its launch.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "driver.h"
#include "launch_config.h"
#include "module.h"
#include "stream.h"

namespace vgpu {

// Where a parameter is in a kernel's parameter buffer, in bytes.
struct KernelParameter {
  size_t offset;
  size_t size;
};

inline bool operator==(const KernelParameter& one, const KernelParameter& other) {
  return one.offset == other.offset && one.size == other.size;
}

// A kernel is not the one that its launcher expects, or the device can't run it as the launcher does.
struct KernelMismatch {
  std::string kernel;
  // What was found and what was expected, in words.
  std::string difference;
};

// Valid as long as its module. With the context current.
class Kernel {
 public:
  // Throws CudaFailure.
  Kernel(const Module& module, const char* name);

  const std::string& name() const { return name_; }
  // As the driver tells them; nothing where it can't, before CUDA 12.4.
  const std::optional<std::vector<KernelParameter>>& parameters() const { return parameters_; }

  // These throw KernelMismatch. Parameters that the driver can't tell are not checked.
  void expect_parameters(const std::vector<KernelParameter>& expected) const;
  void expect_launchable(const LaunchConfig& config) const;

  // `values` points to the value of each parameter, which are copied before this returns. The launch
  // is not checked: see above. Throws CudaFailure.
  void launch(const LaunchConfig& config, const Stream& stream, void** values) const {
    const auto& [grid, block, shared_bytes] = config;
    VGPU_CALL(driver_, cuLaunchKernel, function_, grid.x, grid.y, grid.z, block.x, block.y, block.z,
              shared_bytes, stream.get(), values, static_cast<void**>(nullptr));
  }

 private:
  const Driver& driver_;
  const LaunchLimits limits_;
  const std::string name_;
  const CUfunction function_;
  std::optional<std::vector<KernelParameter>> parameters_;
};

// A kernel whose parameters have these C++ types, so that what is checked when it is loaded and what
// is passed when it is launched are the same.
template <typename... Parameters>
class TypedKernel {
 public:
  // Throws CudaFailure or KernelMismatch.
  TypedKernel(const Module& module, const char* name) : kernel_(module, name) {
    kernel_.expect_parameters(layout());
  }

  const std::string& name() const { return kernel_.name(); }
  void expect_launchable(const LaunchConfig& config) const { kernel_.expect_launchable(config); }

  // Throws CudaFailure.
  void launch(const LaunchConfig& config, const Stream& stream, const Parameters&... values) const {
    // The driver reads them only.
    void* pointers[] = {const_cast<Parameters*>(&values)...};
    kernel_.launch(config, stream, pointers);
  }

 private:
  // CUDA C++ Programming Guide, "Kernel parameters": each is at the next multiple of its alignment.
  static std::vector<KernelParameter> layout() {
    struct Type {
      size_t size;
      size_t alignment;
    };
    std::vector<KernelParameter> parameters;
    size_t end = 0;
    for (const auto& [size, alignment] :
         std::initializer_list<Type>{{sizeof(Parameters), alignof(Parameters)}...}) {
      const size_t offset = (end + alignment - 1) / alignment * alignment;
      parameters.push_back({offset, size});
      end = offset + size;
    }
    return parameters;
  }

  Kernel kernel_;
};

}  // namespace vgpu
