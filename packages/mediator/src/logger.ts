/** What the library needs of a logger; winston's has it. */
export interface Logger {
  /** What is of use to find a defect. */
  debug(message: string, fields?: object): unknown;
  /** What happens when all is well. */
  info(message: string, fields?: object): unknown;
  /** What somebody may have to look at; the mediator goes on. */
  warn(message: string, fields?: object): unknown;
  /** What somebody has to look at. */
  error(message: string, fields?: object): unknown;
}
