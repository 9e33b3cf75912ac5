import * as z from 'zod/mini';
import { decodeWith, encodeWith, refuse, Text } from './codec.js';
import { VmId, VmIdDecimal } from './identity.js';

const SLOT_ID = '1 to 64 of A-Z a-z 0-9 _ -';

/**
 * A request file and its response file in a VM directory. The plain slot is
 * `request.txt`/`response.txt`; a named one is `request-<id>.txt`/`response-<id>.txt`.
 *
 * @useDeclaredType
 */
export const Slot = z.discriminatedUnion(
  'kind',
  [
    z.object({
      /** The one slot without a name. */
      kind: z.literal('plain'),
    }),
    z.object({
      /** One of any number of slots. */
      kind: z.literal('named'),
      /** The name: 1 to 64 of `A-Z a-z 0-9 _ -`. */
      id: z.string(SLOT_ID).check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, SLOT_ID)),
    }),
  ],
  "{ kind: 'plain' } or { kind: 'named', id }",
);
export type Slot = z.infer<typeof Slot>;

/** The slot that people use by hand: `request.txt` and `response.txt`. */
export const PLAIN_SLOT: Slot = Object.freeze({ kind: 'plain' });

type FileKind = 'request' | 'response';

const NAME: Record<FileKind, RegExp> = {
  request: /^request(?:-([A-Za-z0-9_-]{1,64}))?\.txt$/,
  response: /^response(?:-([A-Za-z0-9_-]{1,64}))?\.txt$/,
};

/** Cheaper than a codec, for listing a directory: undefined for every other name. */
function slotOf(kind: FileKind, name: string): Slot | undefined {
  const match = NAME[kind].exec(name);
  if (match === null) return undefined;
  const id = match[1];
  return id === undefined ? PLAIN_SLOT : { kind: 'named', id };
}

const nameOf = (kind: FileKind, slot: Slot) =>
  slot.kind === 'plain' ? `${kind}.txt` : `${kind}-${slot.id}.txt`;

/**
 * The slot of a request file's name; undefined for every other name.
 *
 * @param name Without a directory.
 */
export const slotOfRequest = (name: string): Slot | undefined => slotOf('request', name);
/**
 * The slot of a response file's name; undefined for every other name.
 *
 * @param name Without a directory.
 */
export const slotOfResponse = (name: string): Slot | undefined => slotOf('response', name);
/**
 * The name of a slot's request file. It trusts the slot; encode to check one.
 *
 * @param slot Not checked.
 */
export const requestName = (slot: Slot): string => nameOf('request', slot);
/**
 * The name of a slot's response file. It trusts the slot; encode to check one.
 *
 * @param slot Not checked.
 */
export const responseName = (slot: Slot): string => nameOf('response', slot);

const slotName = (kind: FileKind) =>
  z.codec(Text, Slot, {
    decode: (name, ctx) =>
      slotOf(kind, name) ??
      refuse(ctx, {
        expected: `${kind}.txt or ${kind}-<id>.txt with an id of ${SLOT_ID}`,
      }),
    encode: (slot) => nameOf(kind, slot),
  });

/** The name of a request file and its slot. */
export const RequestName = slotName('request');
/** The name of a response file and its slot. */
export const ResponseName = slotName('response');

/** The name of a VM's directory and the VM's number: `vm7` and 7. */
export const VmDirectoryName = z.codec(Text, VmId, {
  decode: (name, ctx) => {
    const id = z.safeDecode(VmIdDecimal, name.startsWith('vm') ? name.slice(2) : '');
    return (
      id.data ??
      refuse(ctx, {
        expected: 'vm<ID> with a decimal ID from 1 to 4294967295 without leading zeros',
      })
    );
  },
  encode: (id) => `vm${id}`,
});

const decoder =
  <C extends z.ZodMiniType>(codec: C, what: string) =>
  (name: z.input<C>): z.output<C> =>
    decodeWith(codec, 'BAD_NAME', what, name);
const encoder =
  <C extends z.ZodMiniType>(codec: C, what: string) =>
  (value: z.output<C>): z.input<C> =>
    encodeWith(codec, 'BAD_NAME', what, value);

/**
 * Decodes the name of a request file.
 *
 * @param name Without a directory.
 * @throws ProtocolError `BAD_NAME`.
 */
export const decodeRequestName = decoder(RequestName, 'request name');
/**
 * Encodes the name of a request file.
 *
 * @param value The slot.
 * @throws ProtocolError `BAD_NAME`.
 */
export const encodeRequestName = encoder(RequestName, 'slot');
/**
 * Decodes the name of a response file.
 *
 * @param name Without a directory.
 * @throws ProtocolError `BAD_NAME`.
 */
export const decodeResponseName = decoder(ResponseName, 'response name');
/**
 * Encodes the name of a response file.
 *
 * @param value The slot.
 * @throws ProtocolError `BAD_NAME`.
 */
export const encodeResponseName = encoder(ResponseName, 'slot');
/**
 * Decodes the name of a VM directory.
 *
 * @param name Without a directory.
 * @throws ProtocolError `BAD_NAME`.
 */
export const decodeVmDirectoryName = decoder(VmDirectoryName, 'VM directory name');
/**
 * Encodes the name of a VM directory.
 *
 * @param value The VM's number.
 * @throws ProtocolError `BAD_NAME`.
 */
export const encodeVmDirectoryName = encoder(VmDirectoryName, 'VM');
