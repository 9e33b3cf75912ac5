import {
  decodeRequest,
  encodeAnswer,
  ErrorCode,
  isCompleteLine,
  MAX_LINE_BYTES,
  ProtocolError,
  slotOfRequest,
  type Request,
  type Slot,
} from '@vgpu/protocol';
import type { Admission, Claim, Rejection } from './admission.js';
import { answerText } from './answer-text.js';
import { COST } from '../scheduling/cost.js';
import { slotLabel, type Job } from '../scheduling/job.js';
import type { Logger } from '../telemetry/logger.js';
import type { FinishedRequest } from '../telemetry/finished-request.js';
import { errnoOf } from '@vgpu/linux';
import type { FileIdentity } from '../spool/file-identity.js';
import type { Ticket } from '../spool/ticket.js';
import { UndeliverableError, type Sight } from '../spool/vm-directory.js';
import type { Candidate } from '../spool/backlog.js';
import type { VmSpool } from '../spool/vm-spool.js';
import { toNs } from '../time.js';

/** Directories named like requests that are remembered per VM as answered. */
const MAX_LEFT = 64;

export interface IntakeOptions {
  readonly logger: Logger;
  readonly admission: Admission;
  readonly completion: {
    /** A queued job's request is no longer what was read; true if the job was still queued. */
    withdraw(job: Job): boolean;
    reject(request: FinishedRequest): void;
  };
}

/** What became of a name, and what it cost to decide. */
export interface Considered {
  /** Absent if there is no request, or none that is served now. */
  readonly job?: Job | undefined;
  readonly cost: number;
}

/** What stands in a slot and is to be served or rejected now. */
type Arrived = Extract<Sight, { readonly file: FileIdentity }>;

/** Decides what becomes of a name that may be a request: a job, an answer at once, or nothing. */
export class Intake {
  readonly #options: IntakeOptions;
  /** What was on disk before may have been answered by a mediator that was killed. */
  readonly #startedNs = toNs(Date.now());
  readonly #jobs = new WeakMap<Ticket, Job>();
  /** Directories that could not be removed, by VM, and the inode of each. */
  readonly #left = new WeakMap<VmSpool, Map<string, bigint>>();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** An admitted request is void; true if it was still queued. */
  withdraw(ticket: Ticket): boolean {
    const job = this.#jobs.get(ticket);
    return job !== undefined && this.#options.completion.withdraw(job);
  }

  /** Looks at a name; gives a job if it is a request that is complete, well-formed and new. */
  consider(spool: VmSpool, candidate: Candidate): Considered {
    const slot = slotOfRequest(candidate.name);
    if (slot === undefined) return { cost: COST.look };
    try {
      return this.#consider(spool, slot, candidate);
    } catch (error) {
      if (error instanceof UndeliverableError) {
        const { vm } = spool;
        this.#options.completion.reject({ vm, slot: slotLabel(slot), outcome: 'UNDELIVERABLE' });
        const rest = spool.directory.look(slot);
        if (rest.kind === 'irregular') this.#leave(spool, candidate.name, rest.file);
      } else {
        if (errnoOf(error) === undefined) throw error;
        // A full disk, a stale handle, no descriptor left: that can pass, and concerns only this VM.
        spool.noteFailure();
        spool.settling.forget(candidate.name);
      }
      this.#options.logger.warn('cannot take up a request', {
        vm: spool.vm,
        request: candidate.name,
        ...spool.directory.explain(error),
      });
      // How far it came is not known: as much as it can cost at most.
      return { cost: COST.response + COST.decodedByte * MAX_LINE_BYTES };
    }
  }

  #consider(spool: VmSpool, slot: Slot, { name, deferred }: Candidate): Considered {
    let cost = 0;
    const queued = spool.tickets.get(name);
    if (queued !== undefined) {
      const fate = spool.directory.fateOf(slot, queued.file);
      cost += COST.look;
      if (fate === 'untouched' || !this.withdraw(queued)) return { cost };
      cost += COST.withdrawal;
    }
    const sight = spool.directory.look(slot);
    cost += COST.look;
    if (sight.kind === 'absent' || sight.kind === 'empty') {
      spool.settling.forget(name);
      if (sight.kind === 'empty') spool.noticeEmpty(name);
      return { cost };
    }
    const bytes = sight.kind === 'text' ? sight.text.length : 0;
    cost += COST.readByte * bytes;
    if (this.#wasLeft(spool, slot, name, sight)) return { cost };
    if (!this.#isComplete(spool, name, sight)) return { cost };
    if (this.#wasAnswered(spool, slot, name, sight.file)) return { cost: cost + COST.response };
    cost += COST.decodedByte * bytes;
    const verdict = this.#judge(spool.vm, sight);
    if ('code' in verdict) {
      this.#reject(spool, slot, name, sight, verdict);
      return { cost: cost + COST.response };
    }
    if (slot.kind === 'plain') {
      spool.directory.emptyPlainResponse();
      cost += COST.look;
    }
    const { a, b } = verdict.request;
    const ticket: Ticket = {
      slot,
      name,
      file: sight.file,
      plainText: slot.kind === 'plain' && sight.kind === 'text' ? sight.text : undefined,
      bytes: a.byteLength + b.byteLength,
    };
    const job: Job = {
      spool,
      ticket,
      slot: slotLabel(slot),
      ...verdict,
      arrivalNs: deferred ? admittedNs(sight.file) : sight.file.ctimeNs,
      admittedMs: performance.now(),
    };
    this.#jobs.set(ticket, job);
    spool.admit(ticket);
    return { job, cost };
  }

  /** What is too large, a hard link or a directory, too, may be a writer's intermediate step. */
  #isComplete(spool: VmSpool, name: string, sight: Arrived): boolean {
    if (sight.kind === 'text' && isCompleteLine(sight.text)) {
      spool.settling.forget(name);
      return true;
    }
    if (spool.settling.isSettled(name, sight.file)) return true;
    if (spool.settling.isFull) spool.lookAgainLater();
    return false;
  }

  /** Whether this is a directory that has been answered and could not be removed. */
  #wasLeft(spool: VmSpool, slot: Slot, name: string, sight: Arrived): boolean {
    if (sight.kind !== 'irregular' || sight.what !== 'a directory') return false;
    const isRemembered = this.#left.get(spool)?.get(name) === sight.file.ino;
    return isRemembered || spool.directory.hasNewerAnswer(slot, sight.file);
  }

  #wasAnswered(spool: VmSpool, slot: Slot, name: string, file: FileIdentity): boolean {
    if (file.ctimeNs > this.#startedNs || !spool.directory.wasAnswered(slot, file)) return false;
    spool.directory.clear(slot, file);
    this.#options.logger.info('cleared a request that was answered before the restart', {
      vm: spool.vm,
      request: name,
    });
    return true;
  }

  /** The request that was found, or why it is not served. */
  #judge(vm: number, sight: Arrived): { request: Request; claim?: Claim } | Rejection {
    const { admission } = this.#options;
    const refusal = admission.refuse(vm);
    if (refusal !== undefined) return refusal;
    if (sight.kind === 'irregular') {
      return { code: 'BAD_REQUEST', text: `request: expected a regular file, got ${sight.what}` };
    }
    if (sight.kind === 'too-large') {
      const text = `request: expected at most ${MAX_LINE_BYTES} bytes, got ${sight.bytes}`;
      return { code: 'TOO_LARGE', text };
    }
    try {
      const request = decodeRequest(sight.text);
      if (request.vm === vm) return admission.identify(request);
      return { code: 'VM_MISMATCH', text: `vm: expected ${vm}, got ${request.vm}` };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { code: ErrorCode.parse(error.code), text: answerText(error.message) };
    }
  }

  #reject(spool: VmSpool, slot: Slot, name: string, sight: Arrived, rejection: Rejection): void {
    const { directory } = spool;
    const line = encodeAnswer(rejection);
    if (sight.kind === 'irregular') {
      directory.answerIrregular(slot, sight.file, line, () => {
        this.#leave(spool, name, sight.file);
      });
    } else {
      const text = sight.kind === 'text' ? sight.text : undefined;
      const file = slot.kind === 'plain' ? directory.markPlain(text) : sight.file;
      const delivery = file && directory.answer(slot, file, line);
      if (delivery !== 'delivered') {
        spool.notice(name);
        return;
      }
    }
    const { code: outcome, text: error } = rejection;
    this.#options.completion.reject({ vm: spool.vm, slot: slotLabel(slot), outcome, error });
  }

  /** Remembers a directory that has been answered, and cannot be removed, for as long as it lasts. */
  #leave(spool: VmSpool, name: string, file: FileIdentity): void {
    const left = this.#left.get(spool) ?? new Map<string, bigint>();
    this.#left.set(spool, left);
    for (const [oldest] of left) {
      if (left.size < MAX_LEFT) break;
      left.delete(oldest);
    }
    left.set(name, file.ino);
  }
}

/** What waited because its VM was over its limit arrives when it is admitted, that is now. */
function admittedNs({ ctimeNs }: FileIdentity): bigint {
  const nowNs = toNs(Date.now() + 1);
  return nowNs > ctimeNs ? nowNs : ctimeNs;
}
