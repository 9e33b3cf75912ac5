#include "module.h"

#include <utility>

namespace vgpu {

Module::Module(std::shared_ptr<Context> context, const void* image) : context_(std::move(context)) {
  VGPU_CALL(context_->driver(), cuModuleLoadData, &module_, image);
}

Module::~Module() {
  context_->release([this] { status_of(context_->driver().cuModuleUnload, module_); });
}

CUfunction Module::function(const char* name) const {
  CUfunction function;
  VGPU_CALL(context_->driver(), cuModuleGetFunction, &function, module_, name);
  return function;
}

}  // namespace vgpu
