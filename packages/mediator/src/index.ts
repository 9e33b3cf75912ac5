export type { Distribution, Outcome, StatisticsSnapshot } from './statistics.js';
export type { Logger } from './logger.js';
export { Mediator, type MediatorOptions } from './mediator.js';
export { MediatorError, type MediatorErrorCode } from './mediator-error.js';
export { DEFAULT_SETTINGS, type MediatorSettings } from './settings.js';
export { Registration, Registry } from './registry.js';
export type { RateLimit } from './token-bucket.js';
