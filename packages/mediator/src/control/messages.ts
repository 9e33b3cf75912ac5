import * as z from 'zod/mini';
import { parseJson } from '../json.js';

/** Both sides must have the same: they are of one package, but a mediator may have been updated under way. */
export const CONTROL_VERSION = 1;
/** A message is one line of JSON; these are the most bytes that one may have. */
export const MAX_REQUEST_BYTES = 4096;
/** Some 60 000 VMs. */
export const MAX_REPLY_BYTES = 32 * 2 ** 20;

/** What a command asks of the mediator that is running. */
export const ControlRequest = z.discriminatedUnion('command', [
  /** Read the registry again. */
  z.strictObject({ version: z.literal(CONTROL_VERSION), command: z.literal('reload') }),
  /** Say how things are. */
  z.strictObject({ version: z.literal(CONTROL_VERSION), command: z.literal('status') }),
  /** Finish what is queued, then end; with `wait`, answer only when that is finished. */
  z.strictObject({
    version: z.literal(CONTROL_VERSION),
    command: z.literal('drain'),
    wait: z.boolean(),
  }),
]);
export type ControlRequest = z.infer<typeof ControlRequest>;

/** Why a request was refused. */
const Refusal = z.enum(['INVALID_REGISTRY', 'UNSUPPORTED', 'INTERNAL']);
type Refusal = z.infer<typeof Refusal>;

export const ControlReply = z.discriminatedUnion('ok', [
  z.object({ version: z.literal(CONTROL_VERSION), ok: z.literal(true), result: z.unknown() }),
  z.object({
    version: z.literal(CONTROL_VERSION),
    ok: z.literal(false),
    code: Refusal,
    message: z.string(),
  }),
]);
export type ControlReply = z.infer<typeof ControlReply>;

export const ReloadResult = z.object({ registered: z.int() });
export type ReloadResult = z.infer<typeof ReloadResult>;

/** Requests that are queued or on a device: at once, or with `wait` those that a stop has left on disk. */
export const DrainResult = z.object({ left: z.int() });
export type DrainResult = z.infer<typeof DrainResult>;

/** One line for a message. */
export function encodeMessage(message: ControlRequest | ControlReply): string {
  return `${JSON.stringify(message)}\n`;
}

/** @throws Error: the line is no such message. */
export function decodeMessage<T extends z.core.$ZodType>(schema: T, line: string): z.output<T> {
  return check(schema, parseJson(line));
}

/** @throws Error: a value does not fit. */
export function check<T extends z.core.$ZodType>(schema: T, value: unknown): z.output<T> {
  const { success, data, error } = z.safeParse(schema, value);
  if (success) return data;
  const [issue] = error.issues;
  throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}
