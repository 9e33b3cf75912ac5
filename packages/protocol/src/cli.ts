/** What both command lines share: text only. Not a part of the library's interface. */
export { completedWord, completionScript, SHELLS, type Shell, WORDS } from './cli/completion.js';
export {
  DURATION_EXAMPLES,
  durationText,
  type DurationUnit,
  parseDuration,
} from './cli/duration.js';
export { type ExitStatus, exitStatusTable, exitStatusText } from './cli/exit-statuses.js';
export {
  helpOf,
  type OptionText,
  type OptionTexts,
  optionTable,
  repeatedOption,
  variableOf,
} from './cli/option-text.js';
export { type Column, textTable } from './cli/text-table.js';
export { systemProblem } from './cli/system-problem.js';
