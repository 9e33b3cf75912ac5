/** The result of a check: no problem, a finding that needs action, or nothing to check. */
export interface Diagnosis {
  readonly result: 'ok' | 'finding' | 'skipped';
  readonly message: string;
  /** The remedy of a finding. */
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

/** The findings; without findings a result that there is no problem. */
export function orOk(findings: readonly Diagnosis[], message: string): Diagnosis[] {
  return findings.length > 0 ? [...findings] : [ok(message)];
}
