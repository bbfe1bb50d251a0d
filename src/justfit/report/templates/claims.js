"use strict";
const find = (name) => document.querySelector(`[data-claims-${name}]`);
const rows = [...document.querySelectorAll(".claims li")];
async function look() {
  try {
    const answer = await fetch("/api/claims", { credentials: "same-origin" });
    const claims = await answer.json();
    if (claims.state !== "running") {
      location.reload();
      return;
    }
    document.getElementById("jf-progress").value = claims.done;
    find("done").textContent = String(claims.done);
    if (find("sentence").textContent !== claims.sentence) find("sentence").textContent = claims.sentence;
    rows.forEach((row, place) => row.classList.toggle("done", place < claims.done));
  } catch {
    find("sentence").textContent = "The lab does not answer. Is it still running in the terminal?";
  }
  setTimeout(look, 500);
}
look();
