/** The part of a logger that the library uses; a winston logger has it. */
export interface Logger {
  /**
   * Details for finding defects.
   *
   * @param message The event.
   * @param fields Its VM, slot, device and other details: plain values by name.
   */
  debug(message: string, fields?: object): unknown;
  /**
   * Normal events.
   *
   * @param message The event.
   * @param fields Its VM, slot, device and other details: plain values by name.
   */
  info(message: string, fields?: object): unknown;
  /**
   * Events that may need attention; the mediator continues.
   *
   * @param message The event.
   * @param fields Its VM, slot, device and other details: plain values by name.
   */
  warn(message: string, fields?: object): unknown;
  /**
   * Errors that need attention.
   *
   * @param message The event.
   * @param fields Its VM, slot, device and other details: plain values by name.
   */
  error(message: string, fields?: object): unknown;
}
