// A button beside each command that copies it.
import { html, listen } from "./dom";

const SHOWN_MS = 1800;

/** Put a copy button to every command inside `el`; returns how to remove them. */
export function copyButtons(el: HTMLElement): () => void {
  const undo = [...el.querySelectorAll("pre")].map((command) => {
    const button = html("button", { type: "button", class: "jf-copy" }, "Copy");
    const stop = listen(button, "click", () => void copied(command, button));
    const frame = html("div", { class: "jf-command" });
    command.replaceWith(frame);
    frame.append(command, button);
    return () => {
      stop();
      frame.replaceWith(command);
    };
  });
  return () => {
    for (const step of undo) step();
  };
}

async function copied(command: HTMLElement, button: HTMLElement): Promise<void> {
  button.textContent = (await write(command)) ? "Copied" : "Press Ctrl+C";
  setTimeout(() => {
    button.textContent = "Copy";
  }, SHOWN_MS);
}

async function write(command: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(command.textContent ?? "");
    return true;
  } catch {
    // No right to the clipboard: the command is selected, so that one key copies it.
    getSelection()?.selectAllChildren(command);
    return false;
  }
}
