export { PriorityQueue, type Handle, type PriorityQueueOptions } from './priority-queue.js';
export { QueueError, type QueueErrorCode } from './queue-error.js';
