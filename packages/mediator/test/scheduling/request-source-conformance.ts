import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Events } from '../../src/events.js';
import type { Arrival, RequestSource, VmRequests } from '../../src/scheduling/request-source.js';

/** A VM's operations on its requests. */
interface Guest {
  put(slot: string, text: string): void;
  take(slot: string): void;
  /** Empty or undefined without one. */
  response(slot: string): string | undefined;
  hasRequest(slot: string): boolean;
}

/** A source, and its VMs. */
export interface SourceHost {
  readonly source: RequestSource;
  readonly events: Events;
  /** The VM with this number, which is made if it is not there. */
  guest(vm: number): Guest;
  /** Takes a VM away. */
  removeVm(vm: number): void;
  /** VMs that have reported work since the last call. */
  working(): VmRequests[];
  /** Waits until a VM's operations are known, and until its next request is certain to be younger. */
  pause(): Promise<void>;
  close(): Promise<void>;
}

/** The contract of every {@link RequestSource} with the scheduling. */
export function describeRequestSource(name: string, open: () => SourceHost): void {
  describe(`${name}, a source of requests`, () => {
    let host: SourceHost;
    beforeEach(() => {
      host = open();
    });
    afterEach(() => host.close());

    /** All that has arrived by now, oldest first for each VM. */
    async function arrivals(): Promise<Arrival[]> {
      await host.pause();
      host.source.scan();
      host.source.refresh();
      const found: Arrival[] = [];
      for (let rounds = 0; ; rounds += 1) {
        const working = host.working().filter(({ hasWork }) => hasWork);
        if (working.length === 0) return found;
        if (rounds > 1000) throw new Error('expected an end of the work');
        for (const requests of working) found.push(...arrivalsOf(requests));
      }
    }

    function arrivalsOf(requests: VmRequests): Arrival[] {
      const found: Arrival[] = [];
      while (requests.hasWork) {
        const { arrival, superseded, cost } = requests.next();
        expect(cost).toBeGreaterThan(0);
        superseded?.withdraw();
        if (arrival === undefined) continue;
        arrival.ticket.admit(8);
        found.push(arrival);
      }
      return found;
    }

    const textOf = ({ content }: Arrival) => content.kind === 'text' && content.text;

    async function onlyArrival(): Promise<Arrival> {
      const [arrival, ...others] = await arrivals();
      if (arrival === undefined || others.length > 0) throw new Error('expected one arrival');
      return arrival;
    }

    it('gives requests from before it was opened, once, the oldest first', async () => {
      host.guest(7).put('b', 'first\n');
      await host.pause();
      host.guest(7).put('a', 'second\n');
      await host.pause();
      host.guest(8).put('c', 'third\n');
      host.source.open();
      const found = await arrivals();
      const inOrder = found.toSorted((x, y) => Number(x.ticket.arrivalNs - y.ticket.arrivalNs));
      expect(inOrder.map(textOf)).toEqual(['first\n', 'second\n', 'third\n']);
      expect(inOrder.map(({ ticket }) => ticket.slot)).toEqual(['b', 'a', 'c']);
      expect(inOrder.map(({ ticket }) => ticket.requests.vm)).toEqual([7, 7, 8]);
      expect(await arrivals()).toEqual([]);
    });

    it('gives requests that come later', async () => {
      host.guest(7);
      host.source.open();
      expect(await arrivals()).toEqual([]);
      expect(host.source.isDrained).toBe(true);
      host.guest(7).put('x', 'hello\n');
      const { ticket, content } = await onlyArrival();
      expect(content).toMatchObject({ kind: 'text', text: 'hello\n' });
      expect(ticket.isCurrent()).toBe(true);
    });

    it('knows its VMs, and how many requests of each are admitted', async () => {
      host.guest(7).put('x', 'hello\n');
      host.guest(9);
      host.source.open();
      const { ticket } = await onlyArrival();
      const vms = () => [...host.source.vms()].sort((x, y) => x.vm - y.vm);
      expect(vms()).toEqual([
        { vm: 7, queued: 1, hasFailed: false },
        { vm: 9, queued: 0, hasFailed: false },
      ]);
      expect([host.source.vmCount, host.source.has(7), host.source.has(8)]).toEqual([
        2,
        true,
        false,
      ]);
      expect([...ticket.requests.admitted]).toEqual([ticket]);
      ticket.release();
      ticket.release();
      expect([ticket.requests.admittedCount, vms()[0]?.queued]).toEqual([0, 0]);
      expect([host.source.failures, host.source.isReadable]).toEqual([0, true]);
    });

    it('puts a response in place, and clears the request', async () => {
      host.guest(7).put('x', 'hello\n');
      host.source.open();
      const { ticket } = await onlyArrival();
      expect(ticket.respond('world\n')).toBe('delivered');
      ticket.release();
      expect(host.guest(7).response('x')).toBe('world\n');
      expect(host.guest(7).hasRequest('x')).toBe(false);
      expect(await arrivals()).toEqual([]);
    });

    it('gives no response to a request that was withdrawn', async () => {
      host.guest(7).put('x', 'hello\n');
      host.source.open();
      const { ticket } = await onlyArrival();
      host.guest(7).take('x');
      expect(ticket.isCurrent()).toBe(false);
      expect(ticket.respond('world\n')).toBe('withdrawn');
      expect(host.guest(7).response('x') ?? '').toBe('');
      ticket.withdraw();
      expect(await arrivals()).toEqual([]);
      expect(ticket.requests.admittedCount).toBe(0);
    });

    it('reports a request that has become another one, which arrives then', async () => {
      host.guest(7).put('x', 'hello\n');
      host.source.open();
      const { ticket } = await onlyArrival();
      await host.pause();
      host.guest(7).put('x', 'hallo\n');
      expect(ticket.isCurrent()).toBe(false);
      expect(ticket.respond('world\n')).toBe('withdrawn');
      const next = await onlyArrival();
      expect(textOf(next)).toBe('hallo\n');
      expect(next.ticket.arrivalNs).toBeGreaterThan(ticket.arrivalNs);
      expect([...ticket.requests.admitted]).toEqual([next.ticket]);
      ticket.release();
      expect(next.ticket.requests.admittedCount).toBe(1);
    });

    it('says which requests are gone with their VM', async () => {
      host.guest(7).put('x', 'hello\n');
      host.guest(8).put('y', 'hello\n');
      host.source.open();
      const tickets = (await arrivals()).map(({ ticket }) => ticket);
      const gone: VmRequests[] = [];
      host.events.on('requestsGone', (requests) => gone.push(requests));
      host.removeVm(7);
      host.source.scan();
      host.source.refresh();
      expect(gone.map(({ vm }) => vm)).toEqual([7]);
      expect(host.source.has(7)).toBe(false);
      const [of7] = tickets.filter(({ requests }) => requests.vm === 7);
      expect(of7?.isCurrent()).toBe(false);
      expect(of7?.respond('world\n')).toBe('withdrawn');
    });

    it('property: gives each request once, and each response to its request', async () => {
      host.guest(1);
      host.guest(2);
      host.source.open();
      let count = 0;
      const put = new Map<string, string>();
      const act = fc.record({
        what: fc.constantFrom('put', 'take', 'serve', 'serve'),
        vm: fc.constantFrom(1, 2),
        slot: fc.constantFrom('a', 'b'),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(act, { maxLength: 20 }), async (acts) => {
          const served: string[] = [];
          let open: Arrival[] = [];
          for (const { what, vm, slot } of acts) {
            const guest = host.guest(vm);
            if (what === 'put' && !guest.hasRequest(slot)) {
              const text = `request ${(count += 1)}\n`;
              guest.put(slot, text);
              put.set(`${vm} ${slot}`, text);
            } else if (what === 'take') {
              guest.take(slot);
              put.delete(`${vm} ${slot}`);
            } else {
              open.push(...(await arrivals()));
              for (const arrival of open) {
                const { ticket } = arrival;
                const place = `${ticket.requests.vm} ${ticket.slot}`;
                const text = textOf(arrival) || '';
                const isCurrent = put.get(place) === text;
                const outcome = ticket.respond(`to ${text}`);
                expect(outcome).toBe(isCurrent ? 'delivered' : 'withdrawn');
                if (isCurrent) {
                  expect(host.guest(ticket.requests.vm).response(ticket.slot)).toBe(`to ${text}`);
                  served.push(text);
                  put.delete(place);
                }
                ticket.release();
              }
              open = [];
            }
          }
          expect(new Set(served).size).toBe(served.length);
        }),
        { numRuns: 25 },
      );
    });
  });
}
