export type Theme = 'light' | 'dark';

const key = 'trapline-theme';

/** The theme chosen here before, else the system's. */
export function storedTheme(): Theme {
  const stored = localStorage.getItem(key);
  if (stored === 'light' || stored === 'dark') return stored;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

export function applyTheme(theme: Theme) {
  document.documentElement.dataset.theme = theme;
}

export function chooseTheme(theme: Theme) {
  localStorage.setItem(key, theme);
  applyTheme(theme);
}
