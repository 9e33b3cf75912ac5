/** The shells for which there is a script. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * The argument that scripts give `completion`, before the words up to the cursor, to get the
 * candidates.
 */
export const WORDS = '--words';

/** The word to complete, and its context. */
export interface CompletedWord {
  /** The words before it, with `--pool=A` as two of them. */
  readonly before: readonly string[];
  /** What is typed of it. */
  readonly current: string;
  /** What the shell expects before each candidate. */
  readonly prefix: string;
}

/** Splits the words up to the cursor. bash makes three words of `--pool=A`, the other shells one. */
export function completedWord(words: readonly string[]): CompletedWord {
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1).filter((word) => word !== '=');
  const [, option, value] = /^(--[a-z-]+)=(.*)$/s.exec(last) ?? [];
  if (option !== undefined && value !== undefined) {
    return { before: [...before, option], current: value, prefix: `${option}=` };
  }
  return { before, current: last === '=' ? '' : last, prefix: '' };
}

/**
 * A script by which a shell asks the program itself for candidates, so that they always fit its version.
 * Where the program has none, the shell completes file names.
 */
export function completionScript(shell: Shell, program: string): string {
  const name = `_${program.replaceAll('-', '_')}`;
  switch (shell) {
    case 'bash':
      return `# bash completion for ${program}
${name}() {
  mapfile -t COMPREPLY < <(
    "\${COMP_WORDS[0]}" completion ${WORDS} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null
  )
}
complete -o bashdefault -o default -F ${name} ${program}`;
    case 'zsh':
      return `#compdef ${program}
# zsh completion for ${program}; compinit has to come before it
${name}() {
  local -a candidates
  candidates=(\${(f)"$("\${words[1]}" completion ${WORDS} "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#candidates} )); then compadd -a candidates; else _files; fi
}
if [[ \${funcstack[1]} == _${program} ]]; then ${name} "$@"; else compdef ${name} ${program}; fi`;
    case 'fish':
      return `# fish completion for ${program}
function _${name}
  set -l words (commandline -opc)
  set -l candidates ($words[1] completion ${WORDS} $words[2..] (commandline -ct) 2>/dev/null)
  if set -q candidates[1]
    string join \\n -- $candidates
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c ${program} -f -a '(_${name})'`;
  }
}
