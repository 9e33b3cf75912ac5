import type { OperationCall } from '@vgpu/cuda-binding';
import {
  decodeEnvelope,
  decodeSum,
  encodeAnswer,
  ErrorCode,
  MAX_LINE_BYTES,
  ProtocolError,
  type Body,
  type BodyKind,
} from '@vgpu/protocol';
import { COST } from '../scheduling/cost.js';
import type { Job } from '../scheduling/job.js';
import {
  UndeliverableError,
  type Arrival,
  type Content,
  type Step,
  type Ticket,
} from '../scheduling/request-source.js';
import type { FinishedRequest } from '../telemetry/finished-request.js';
import { responseText, type Admission, type Identity, type Rejection } from './admission.js';

/** Reads the body of each kind of request. */
const CODECS: Readonly<Record<BodyKind, (body: Body) => OperationCall>> = {
  sum: (body) => ({ operation: 'add', ...decodeSum(body) }),
};

export interface IntakeOptions {
  readonly admission: Admission;
  readonly completion: {
    /** A queued job's request is no longer the one that was read; true if the job was still queued. */
    withdraw(job: Job): boolean;
    reject(request: FinishedRequest): void;
  };
}

/** The result of a step, and its cost. */
export interface Considered {
  /** Absent if there is no request, or if it is not served. */
  readonly job?: Job | undefined;
  readonly cost: number;
}

/** Decides whether an arrived request becomes a job, or gets an error response at once. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #jobs = new WeakMap<Ticket, Job>();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** An admitted request is void; true if it was still queued. */
  withdraw(ticket: Ticket): boolean {
    const job = this.#jobs.get(ticket);
    return job !== undefined && this.#options.completion.withdraw(job);
  }

  /** Returns a job if a step has found a well-formed request that its VM may have served. */
  consider({ arrival, superseded, cost }: Step): Considered {
    const withdrawn = superseded !== undefined && this.withdraw(superseded) ? COST.withdrawal : 0;
    if (arrival === undefined) return { cost: cost + withdrawn };
    try {
      const considered = this.#consider(arrival);
      return { ...considered, cost: cost + considered.cost };
    } catch (error) {
      this.#fail(arrival.ticket, error);
      return { cost: cost + COST.failure };
    }
  }

  #consider({ ticket, content }: Arrival): Considered {
    const decodedCost = content.kind === 'text' ? COST.decodedByte * content.text.length : 0;
    const verdict = this.#judge(ticket.requests.vm, content);
    if ('code' in verdict) {
      this.#reject(ticket, verdict);
      return { cost: decodedCost + COST.response };
    }
    const { a, b } = verdict.call;
    const cost = decodedCost + ticket.admit(a.byteLength + b.byteLength);
    const job: Job = {
      ticket,
      vm: ticket.requests.vm,
      slot: ticket.slot,
      ...verdict,
      arrivalNs: ticket.arrivalNs,
      admittedMs: performance.now(),
    };
    this.#jobs.set(ticket, job);
    return { job, cost };
  }

  /** The call, pool and priority of a request, or the reason for its rejection. */
  #judge(vm: number, content: Content): ({ readonly call: OperationCall } & Identity) | Rejection {
    const { admission } = this.#options;
    const refusal = admission.refuse(vm);
    if (refusal !== undefined) return refusal;
    if (content.kind === 'irregular') {
      return { code: 'BAD_REQUEST', text: `request: expected a regular file, got ${content.what}` };
    }
    if (content.kind === 'too-large') {
      const text = `request: expected at most ${MAX_LINE_BYTES} bytes, got ${content.bytes}`;
      return { code: 'TOO_LARGE', text };
    }
    try {
      const envelope = decodeEnvelope(content.text);
      const call = CODECS[envelope.kind](envelope.body);
      if (envelope.vm === vm) return { call, ...admission.identify(envelope) };
      return { code: 'VM_MISMATCH', text: `vm: expected ${vm}, got ${envelope.vm}` };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { code: ErrorCode.parse(error.code), text: responseText(error.message) };
    }
  }

  #reject(ticket: Ticket, rejection: Rejection): void {
    if (ticket.respond(encodeAnswer(rejection)) === 'withdrawn') {
      ticket.withdraw();
      return;
    }
    const { code: outcome, text: error } = rejection;
    this.#recordRejected(ticket, { outcome, error });
  }

  /** A full disk, a stale handle, no descriptor left: such errors can pass, and affect only this VM. */
  #fail(ticket: Ticket, error: unknown): void {
    ticket.requests.fail(ticket.name, error);
    if (error instanceof UndeliverableError) this.#recordRejected(ticket, { outcome: error.code });
  }

  #recordRejected(ticket: Ticket, end: Pick<FinishedRequest, 'outcome' | 'error'>): void {
    const { vm } = ticket.requests;
    this.#options.completion.reject({ vm, slot: ticket.slot, ...end });
  }
}
