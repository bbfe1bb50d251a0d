/* justfit web f834c1b1733c7d1ae1b0840b053ff46f8d9b6ed09ee2af9934cb5ceae05394e7 */
/* justfit: MIT. Contains d3-array, d3-format, d3-interpolate, d3-path, d3-scale, d3-shape, d3-time and others of D3: ISC, Copyright Mike Bostock. */
function i(t,n={},...o){return f(document.createElement(t),n,o)}function p(t,n){for(let[o,e]of Object.entries(n))e===void 0||e===!1?t.removeAttribute(o):t.setAttribute(o,e===!0?"":typeof e=="number"?g(e):e)}function f(t,n,o){return p(t,n),t.append(...o),t}function g(t){return String(Math.round(t*10)/10)}function s(t){let n=new Map(Object.entries(t)),o=new Map;return{get:e=>n.get(e),set(e,r){n.set(e,r);for(let a of[...o.get(`change:${e}`)??[]])a()},save_changes(){},on(e,r){o.set(e,(o.get(e)??new Set).add(r))},off(e,r){o.get(e)?.delete(r)}}}function d(t,n){return()=>n.replaceChildren()}var l=`.justfit svg .readout-box {
  fill: var(--paper);
  stroke: var(--line);
}
.justfit svg .heat-selected {
  fill: none;
  stroke: var(--paper);
  stroke-width: 2;
  outline: 2px solid var(--ink);
}
`;function c({model:t,el:n}){let o=t.get("data")??{kind:"report"},e=i("style",{},l);n.append(e);let r=[o.kind==="playground"?d(t,n):()=>{}];return()=>{for(let a of r)a();e.remove()}}var L={render:c},u=globalThis.document?.getElementById("justfit-data"),m=globalThis.document?.querySelector("[data-justfit]");u&&m&&c({model:s({data:JSON.parse(u.textContent??"{}")}),el:m});export{L as default,c as render};
