export type { Distribution, Outcome, StatisticsSnapshot } from './statistics.js';
export type { Logger } from './logger.js';
export {
  DEFAULT_SETTINGS,
  Mediator,
  type MediatorOptions,
  type MediatorSettings,
} from './mediator.js';
export { MediatorError, type MediatorErrorCode } from './mediator-error.js';
