#include "stream.h"

#include <utility>

namespace vgpu {

Stream::Stream(std::shared_ptr<Context> context) : context_(std::move(context)) {
  VGPU_CALL(context_->driver(), cuStreamCreate, &stream_, CU_STREAM_NON_BLOCKING);
}

Stream::~Stream() {
  context_->release([this] {
    // A failure here is that of a launch, which has been reported.
    status_of(context_->driver().cuStreamSynchronize, stream_);
    status_of(context_->driver().cuStreamDestroy, stream_);
  });
}

bool Stream::is_idle() const {
  const CUresult status = status_of(context_->driver().cuStreamQuery, stream_);
  if (status != 0 && status != CUDA_ERROR_NOT_READY) throw CudaFailure{status, "cuStreamQuery"};
  return status == 0;
}

}  // namespace vgpu
