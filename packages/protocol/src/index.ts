export { AnswerLine, decodeAnswer, encodeAnswer, type Answer } from './answer.js';
export { isCompleteLine } from './complete-line.js';
export { decodeEnvelope, type Body, type BodyKind, type Envelope } from './envelope.js';
export { ErrorCode } from './error-codes.js';
export { ExitCode } from './exit-codes.js';
export {
  Identity,
  parsePriority,
  Pool,
  PRIORITIES,
  Priority,
  priorityName,
  VmId,
} from './identity.js';
export type { PriorityName } from './identity.js';
export { MAX_LINE_BYTES } from './max-line-bytes.js';
export {
  decodeRequestName,
  decodeResponseName,
  decodeVmDirectoryName,
  encodeRequestName,
  encodeResponseName,
  encodeVmDirectoryName,
  PLAIN_SLOT,
  RequestName,
  requestName,
  ResponseName,
  responseName,
  Slot,
  slotOfRequest,
  slotOfResponse,
  VmDirectoryName,
} from './names.js';
export { INT32_MAX, INT32_MIN, Int32, Int32List } from './operands.js';
export { escapeControls, printable } from './printable.js';
export { ProtocolError, type ProtocolErrorCode, type Rejection } from './protocol-error.js';
export {
  decodeRegisterBlock,
  encodeRegisterBlock,
  REGISTER_BLOCK_BYTES,
  REGISTER_BLOCK_MAGIC,
  RegisterBlock,
  REGISTERS,
} from './register-block.js';
export { decodeRequest, encodeRequest, RequestLine } from './request.js';
export type { Request } from './request.js';
export { decodeSum, type SumBody } from './sum.js';
