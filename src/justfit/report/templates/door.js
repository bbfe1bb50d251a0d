
"use strict";
// The settings of a link stand behind its #, which neither a refresh nor a form takes along by itself.
const { again } = document.getElementById("jf-main").dataset;
if (again) location.replace(again + location.hash);
const form = document.querySelector("form");
form?.addEventListener("submit", () => form.setAttribute("action", `/${location.hash}`));
