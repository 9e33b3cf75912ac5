import { byId, setText } from './dom.js';

const form = byId('form', HTMLFormElement);
const token = byId('token', HTMLInputElement);
const problem = byId('problem', HTMLElement);

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void signIn();
});

/** The answer to the token is a cookie that stands for it. */
async function signIn(): Promise<void> {
  setText(problem, '');
  try {
    // A reverse proxy may have asked for a name and a password, which are in the usual header.
    const headers = { 'X-Vgpu-Token': token.value };
    const { status } = await fetch('./', { headers });
    if (status === 200) location.reload();
    else
      setText(problem, status === 401 ? 'That is not the token.' : `Not possible now (${status}).`);
  } catch {
    // Also a token that no header can hold.
    setText(
      problem,
      navigator.onLine ? 'That is not the token, or nobody answers.' : 'No network.',
    );
  }
  token.select();
}
