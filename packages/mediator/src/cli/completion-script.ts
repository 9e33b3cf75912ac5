/** The shells that a script can be had for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What scripts call `completion` with, before the words up to the cursor, to learn what may come there. */
export const WORDS = '--words';

/**
 * A script that has a shell ask the program itself what may be typed, so that it never knows other
 * options than the program has. Where that has nothing to say, the shell completes names of files.
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
