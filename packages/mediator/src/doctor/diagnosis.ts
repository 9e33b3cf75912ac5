/** What a check has come to: all is well, something is to be done, or there was nothing to check. */
export interface Diagnosis {
  readonly result: 'ok' | 'finding' | 'skipped';
  readonly message: string;
  /** What to do about a finding. */
  readonly remedy?: string;
}

export function ok(message: string): Diagnosis {
  return { result: 'ok', message };
}

export function finding(message: string, remedy: string): Diagnosis {
  return { result: 'finding', message, remedy };
}

export function skipped(message: string): Diagnosis {
  return { result: 'skipped', message };
}

/** The findings; if there are none, that all is well. */
export function orOk(findings: readonly Diagnosis[], message: string): Diagnosis[] {
  return findings.length > 0 ? [...findings] : [ok(message)];
}
