import * as z from 'zod/mini';
import { parseJson } from '../json.js';

/** Both sides need the same version: the package may be updated while a mediator runs. */
export const CONTROL_VERSION = 1;
/** A message is one line of JSON of at most this size. */
export const MAX_REQUEST_BYTES = 4096;
/** Enough for the status of about 60 000 VMs. */
export const MAX_RESPONSE_BYTES = 32 * 2 ** 20;

/** A command for the running mediator. */
export const ControlRequest = z.discriminatedUnion('command', [
  /** Reload the registry. */
  z.strictObject({ version: z.literal(CONTROL_VERSION), command: z.literal('reload') }),
  /** Return a snapshot. */
  z.strictObject({ version: z.literal(CONTROL_VERSION), command: z.literal('status') }),
  /** Finish the queued requests, then end; with `wait`, respond only when they are finished. */
  z.strictObject({
    version: z.literal(CONTROL_VERSION),
    command: z.literal('drain'),
    wait: z.boolean(),
  }),
]);
export type ControlRequest = z.infer<typeof ControlRequest>;

/** Why a command was refused. */
const Refusal = z.enum(['INVALID_REGISTRY', 'UNSUPPORTED', 'INTERNAL']);
type Refusal = z.infer<typeof Refusal>;

export const ControlResponse = z.discriminatedUnion('ok', [
  z.object({ version: z.literal(CONTROL_VERSION), ok: z.literal(true), result: z.unknown() }),
  z.object({
    version: z.literal(CONTROL_VERSION),
    ok: z.literal(false),
    code: Refusal,
    message: z.string(),
  }),
]);
export type ControlResponse = z.infer<typeof ControlResponse>;

export const ReloadResult = z.object({ registered: z.int() });
export type ReloadResult = z.infer<typeof ReloadResult>;

/**
 * The number of queued requests and those on a device; with `wait`, of those that remain on disk at
 * the end.
 */
export const DrainResult = z.object({ left: z.int() });
export type DrainResult = z.infer<typeof DrainResult>;

/** A message as one line. */
export function encodeMessage(message: ControlRequest | ControlResponse): string {
  return `${JSON.stringify(message)}\n`;
}

/** @throws Error if the line is not a valid message. */
export function decodeMessage<T extends z.core.$ZodType>(schema: T, line: string): z.output<T> {
  return check(schema, parseJson(line));
}

/** @throws Error if the value does not match the schema. */
export function check<T extends z.core.$ZodType>(schema: T, value: unknown): z.output<T> {
  const { success, data, error } = z.safeParse(schema, value);
  if (success) return data;
  const [issue] = error.issues;
  throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}
