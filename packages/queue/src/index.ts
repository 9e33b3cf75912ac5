export { LevelQueue, type LevelQueueOptions } from './level-queue.js';
export { PriorityQueue, type PriorityQueueOptions } from './priority-queue.js';
export type { Handle } from './handle.js';
export { QueueError, type QueueErrorCode } from './queue-error.js';
