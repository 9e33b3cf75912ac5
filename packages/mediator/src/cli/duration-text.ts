/** A duration for people, of three digits or so: `0.35 ms`, `12.3 s`, `4 min 5 s`, `2 d 3 h`. */
export function durationText(ms: number): string {
  if (ms < 999.5) return `${Number(ms.toPrecision(3))} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${Number(seconds.toPrecision(3))} s`;
  const s = Math.round(seconds);
  if (s < 3600) return two(s, 60, 'min', 's');
  const minutes = Math.round(s / 60);
  if (minutes < 1440) return two(minutes, 60, 'h', 'min');
  return two(Math.round(minutes / 60), 24, 'd', 'h');
}

function two(count: number, per: number, large: string, small: string): string {
  return `${Math.floor(count / per)} ${large} ${count % per} ${small}`;
}
