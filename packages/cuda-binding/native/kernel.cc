#include "kernel.h"

namespace vgpu {

namespace {

std::optional<std::vector<KernelParameter>> parameters_of(const Driver& driver,
                                                          CUfunction function) {
  if (driver.cuFuncGetParamInfo == nullptr) return std::nullopt;
  std::vector<KernelParameter> parameters;
  for (;;) {
    KernelParameter parameter{};
    const CUresult status = status_of(driver.cuFuncGetParamInfo, function, parameters.size(),
                                      &parameter.offset, &parameter.size);
    // The only way to learn how many there are.
    if (status == CUDA_ERROR_INVALID_VALUE) return parameters;
    if (status != 0) throw CudaFailure{status, "cuFuncGetParamInfo"};
    parameters.push_back(parameter);
  }
}

std::string text_of(const KernelParameter& parameter) {
  return std::to_string(parameter.size) + " bytes at offset " + std::to_string(parameter.offset);
}

}  // namespace

Kernel::Kernel(const Module& module, const char* name)
    : driver_(module.context()->driver()),
      limits_(module.context()->limits()),
      name_(name),
      function_(module.function(name)),
      parameters_(parameters_of(driver_, function_)) {}

void Kernel::expect_parameters(const std::vector<KernelParameter>& expected) const {
  if (!parameters_) return;
  const std::vector<KernelParameter>& found = *parameters_;
  if (found.size() != expected.size()) {
    throw KernelMismatch{name_, "its number of parameters is " + std::to_string(found.size()) +
                                    ", not " + std::to_string(expected.size())};
  }
  for (size_t i = 0; i < found.size(); i++) {
    if (found[i] == expected[i]) continue;
    throw KernelMismatch{name_, "its parameter " + std::to_string(i) + " has " + text_of(found[i]) +
                                    ", not " + text_of(expected[i])};
  }
}

void Kernel::expect_launchable(const LaunchConfig& config) const {
  if (const auto excess = config.excess(limits_)) {
    throw KernelMismatch{name_, "its launch needs " + *excess};
  }
}

}  // namespace vgpu
