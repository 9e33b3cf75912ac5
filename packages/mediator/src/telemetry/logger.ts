/** What the library needs of a logger; winston's has it. */
export interface Logger {
  /**
   * What is of use to find a defect.
   *
   * @param message What has happened.
   * @param fields Which VM, slot or device it was, and the like: plain values by name.
   */
  debug(message: string, fields?: object): unknown;
  /**
   * What happens when all is well.
   *
   * @param message What has happened.
   * @param fields Which VM, slot or device it was, and the like: plain values by name.
   */
  info(message: string, fields?: object): unknown;
  /**
   * What somebody may have to look at; the mediator goes on.
   *
   * @param message What has happened.
   * @param fields Which VM, slot or device it was, and the like: plain values by name.
   */
  warn(message: string, fields?: object): unknown;
  /**
   * What somebody has to look at.
   *
   * @param message What has happened.
   * @param fields Which VM, slot or device it was, and the like: plain values by name.
   */
  error(message: string, fields?: object): unknown;
}
