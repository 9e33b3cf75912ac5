import { byId, setText } from './dom.js';

const KEY = 'theme';
const THEMES = ['system', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

/** The button that goes through the themes; what is chosen is kept in the browser. */
export function setUpTheme(onChange: () => void): void {
  const button = byId('theme', HTMLButtonElement);
  let theme = THEMES.find((name) => name === stored()) ?? 'system';
  const show = () => {
    document.documentElement.dataset['theme'] = theme;
    setText(button, `Theme: ${theme}`);
  };
  show();
  button.addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
    store(theme);
    show();
    onChange();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', onChange);
}

/** A browser may be told to keep nothing. */
function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function store(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It holds for this visit.
  }
}
