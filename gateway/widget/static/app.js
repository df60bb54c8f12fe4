// The programme as its members see it: in a shop's page (panel) or as a page of its own (portal).
// Everything that comes from people is put in as text; nothing here makes HTML out of strings.
const settings = JSON.parse(document.getElementById("settings").textContent);
const words = settings.words;
const isPanel = settings.mode === "panel";
const api = `/widget/api/${settings.site}/`;
const app = document.getElementById("app");
const parentOrigin = settings.origins.find((one) => one === new URLSearchParams(location.search).get("from"));
// Where somebody wants to go on to once signed in: one of the hub's own links, and nothing else.
const wanted = isPanel ? "" : new URLSearchParams(location.search).get("carries") || "";
const carries = /^\/[jbr]\/[\w.-]+$/.test(wanted) ? wanted : "";

let me = settings.me;
let known = { ways: settings.ways };
let tab = settings.tabs[0];
let gift = giftInAddress();
let waiting = null;

// --- words and figures

function say(key, values = {}) {
  return (words[key] || key).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

// Made when the first number is to be written, which takes a browser tens of milliseconds: the
// first tab has none that the hub did not write.
let figures = null;
let rules = null;

function written(whole) {
  figures ??= new Intl.NumberFormat(settings.language, { maximumFractionDigits: 6 });
  return figures.format(whole);
}

function number(points) {
  return written(points / 10 ** settings.scale);
}

function points(smallest) {
  const whole = smallest / 10 ** settings.scale;
  rules ??= new Intl.PluralRules(settings.language);
  const key = `points_${rules.select(whole)}`;
  return say(key in words ? key : "points_other", { n: written(whole) });
}

function day(instant, style = "medium") {
  const format = new Intl.DateTimeFormat(settings.language, { dateStyle: style, timeZone: settings.zone });
  return format.format(instant);
}

// An instant of expiry is the first at which something is gone: its last day is the one before.
function lastDay(iso) {
  return day(new Date(Date.parse(iso) - 1000));
}

// --- elements

function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((one) => one !== null && one !== undefined));
  return made;
}

function list(items) {
  return make("ul", { class: "list" }, ...items.map((one) => make("li", {}, one)));
}

function busy(button, work) {
  return async (event) => {
    event?.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    try {
      await work(event);
    } catch (error) {
      announce(error.said || say("away"), "bad");
    } finally {
      button.disabled = false;
    }
  };
}

function act(label, work, attributes = {}) {
  const button = make("button", { type: "button", ...attributes }, label);
  button.addEventListener("click", busy(button, work));
  return button;
}

// --- the hub

// The hub keeps who is signed in by a cookie. A frame in a shop's page may be given none: there the
// page itself shows the token, as long as the tab lives, or where that is refused too, the page.
let token = "";
const place = `hub:${settings.site}`;
function keepToken(given) {
  token = given;
  try {
    sessionStorage.setItem(place, given);
  } catch { /* this browser lets frames keep nothing */ }
}

function keptToken() {
  try {
    return sessionStorage.getItem(place) || "";
  } catch {
    return "";
  }
}

async function ask(path, body) {
  const headers = { "x-hub-widget": "1" };
  if (token) headers.authorization = `Bearer ${token}`;
  if (body) headers["content-type"] = "application/json";
  const address = new URL(api + path, location.href);
  address.searchParams.set("lang", settings.language);
  let answer;
  try {
    answer = await fetch(address, body
      ? { method: "POST", headers, body: JSON.stringify(body) }
      : { headers });
  } catch {
    throw Object.assign(new Error("away"), { said: say("away") });
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const isForPeople = [401, 410, 422, 429].includes(answer.status);
    throw Object.assign(new Error(String(answer.status)), {
      status: answer.status,
      said: isForPeople && content.error ? content.error : say("away"),
    });
  }
  return content;
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
}

async function signIn(shown) {
  const answer = await ask("session", shown);
  if (answer.state === "asks") return answer;
  if (isPanel) keepToken(answer.token);
  await refresh();
  return answer;
}

// --- the frame around the tabs

const status = make("p", { role: "status", "aria-live": "polite" });
const hello = make("p", {});
const signOut = act(say("sign_out"), async () => {
  await ask("sign-out", {});
  if (isPanel) keepToken("");
  await refresh();
  announce(say("signed_out"));
}, { hidden: true });
const tabs = make("div", { role: "tablist", "aria-label": say("tabs"), onkeydown: moveBetweenTabs });
const panel = make("section", { role: "tabpanel", id: "panel", tabindex: "0" });

function announce(text, tone = "") {
  status.className = tone;
  status.textContent = text;
}

function build() {
  const close = isPanel
    ? make("button", { type: "button", class: "x", "aria-label": say("close"), onclick: () => tell("close") }, "×")
    : null;
  const name = make("h1", { id: "name", tabindex: "-1" }, settings.name);
  for (const one of settings.tabs) {
    tabs.append(make("button", {
      type: "button", role: "tab", id: `tab-${one}`, "aria-controls": "panel", onclick: () => choose(one),
    }, say(`tab_${one}`)));
  }
  app.append(make("header", {}, name, hello, signOut, close), tabs, status, panel);
  document.documentElement.style.setProperty("--brand", settings.brand);
  document.documentElement.style.setProperty("--ink", settings.ink);
}

function markTabs() {
  for (const one of tabs.children) {
    const isChosen = one.id === `tab-${tab}`;
    one.setAttribute("aria-selected", String(isChosen));
    one.tabIndex = isChosen ? 0 : -1;
  }
  panel.setAttribute("aria-labelledby", `tab-${tab}`);
}

function moveBetweenTabs(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const order = settings.tabs;
  const forward = document.documentElement.dir === "rtl" ? -1 : 1;
  let at = order.indexOf(tab);
  if (step) at = (at + step * forward + order.length) % order.length;
  else if (event.key === "Home") at = 0;
  else if (event.key === "End") at = order.length - 1;
  else return;
  event.preventDefault();
  choose(order[at]);
  document.getElementById(`tab-${order[at]}`).focus();
}

async function choose(name) {
  tab = name;
  announce("");
  markTabs();
  await show();
}

// What was asked for first may be answered last: only the latest is shown.
async function show() {
  const mine = (waiting = {});
  app.setAttribute("aria-busy", "true");
  let content;
  try {
    content = await views[tab]();
  } catch (error) {
    content = [make("p", { class: "bad" }, error.said || say("away")), act(say("try_again"), show)];
  }
  if (mine !== waiting) return;
  panel.replaceChildren(...content.filter(Boolean));
  app.setAttribute("aria-busy", "false");
}

async function refresh() {
  me = await ask("me").catch(() => ({ state: "nobody" }));
  await greet();
}

async function greet() {
  hello.textContent = me.name ? say("hello", { name: me.name }) : "";
  signOut.hidden = me.state === "nobody";
  await show();
}

// --- signing up and in

function door() {
  if (carries && me.state !== "nobody") {
    return make("p", { class: "card" },
      make("a", { class: "button strong", href: carries }, say("continue")));
  }
  if (me.state === "member") return null;
  return me.state === "stranger" ? joining() : askingForLink();
}

function askingForLink() {
  const input = make("input", {
    type: "email", id: "email", name: "email", autocomplete: "email", required: true, maxlength: "254",
    "aria-describedby": "email-problem", dir: "ltr",
  });
  const problem = make("p", { id: "email-problem", class: "bad" });
  const button = make("button", { class: "strong" }, say("send_link"));
  const form = make("form", { class: "card", novalidate: true, "aria-labelledby": "door" },
    make("h2", { id: "door" }, say("sign_in_title")),
    make("p", {}, say("sign_in_lead")),
    make("div", {}, make("label", { for: "email" }, say("email")), input, problem), button);
  form.addEventListener("submit", busy(button, async () => {
    problem.textContent = "";
    input.removeAttribute("aria-invalid");
    if (!input.checkValidity()) {
      problem.textContent = say("bad_email");
      input.setAttribute("aria-invalid", "true");
      input.focus();
      return;
    }
    const answer = await ask("sign-in", { email: input.value, carries });
    announce(answer.text, "good");
  }));
  return form;
}

function joining() {
  return make("div", { class: "card" },
    make("h2", {}, say("join_title", { name: settings.name })),
    make("p", {}, say("join_lead")),
    act(say("join"), async () => {
      const answer = await ask("join", { key: newKey() });
      const goesOn = me.carries;
      if (goesOn && !isPanel) location.assign(goesOn);
      await refresh();
      announce(answer.text, "good");
    }, { class: "strong" }));
}

// Somebody comes back from the link with a code that another browser asked for.
async function takeCode(code) {
  try {
    const answer = await signIn({ code });
    if (answer.state !== "asks") return;
    const agree = act(say("continue"), () => signIn({ code, agreed: true }), { class: "strong" });
    panel.replaceChildren(make("div", { class: "card" },
      make("h2", {}, say("continue_as", { email: answer.email })),
      make("p", { class: "row" }, agree, act(say("cancel"), show))));
    waiting = {};
    agree.focus();
  } catch (error) {
    announce(error.said, "bad");
  }
}

// --- the tabs

const views = { earn, redeem, rewards, referral, balance };

async function earn() {
  const { ways } = known || (await ask("earn"));
  known = null;
  const told = ways.map((way, at) => make("div", { class: "row" },
    make("div", {},
      make("h3", { id: `way-${at}` }, way.title),
      make("p", {}, way.worth),
      way.text ? make("p", { class: "soft" }, way.text) : null),
    wayButton(way, at)));
  return [door(), told.length ? list(told) : make("p", {}, say("earn_none"))];
}

function wayButton(way, at) {
  if (!way.button) return null;
  const described = { class: "button", "aria-describedby": `way-${at}` };
  if (way.button.href) {
    return make("a", { ...described, href: way.button.href, target: "_top", rel: "noopener" }, way.button.label);
  }
  if (me.state === "member") return null;
  return make("button", { type: "button", ...described, onclick: () => {
    (panel.querySelector("form input") || panel.querySelector(".card button"))?.focus();
  } }, way.button.label);
}

async function redeem() {
  const { rewards: offered } = await ask("redeem");
  const told = offered.map((reward) => offer(reward));
  return [door(), told.length ? list(told) : make("p", {}, say("redeem_none"))];
}

function offer(reward) {
  const line = make("div", { class: "row" });
  const usual = () => {
    line.replaceChildren(
      make("div", {}, make("h3", {}, reward.name), make("p", {}, points(reward.points)),
        reward.text ? make("p", { class: "soft" }, reward.text) : null));
    if (me.state !== "member") return;
    const missing = reward.points - me.available;
    line.append(reward.can_have
      ? make("button", { type: "button", class: "strong", onclick: asking,
        "aria-label": say("redeem_named", { reward: reward.name }) }, say("redeem"))
      : make("p", { class: "soft" },
        reward.is_short && missing > 0 ? say("redeem_short", { points: points(missing) }) : reward.why_not));
  };
  const asking = () => {
    const key = newKey();
    const amount = reward.least ? amountField(reward) : null;
    const cost = () => (amount ? Math.round(Number(amount.value) * reward.per_unit) : reward.points);
    const question = make("p", {});
    const ask_again = () => {
      question.textContent = say("redeem_sure", { points: points(cost()), reward: reward.name });
    };
    amount?.addEventListener("input", ask_again);
    const yes = act(say("redeem"), async () => {
      const body = { key, reward: reward.id };
      if (amount) body.amount = amount.value;
      const answer = await ask("redeem", body);
      await refresh();
      announce(answer.text, answer.state === "refused" ? "bad" : "good");
    }, { class: "strong" });
    const no = act(say("cancel"), () => { usual(); line.querySelector("button")?.focus(); });
    ask_again();
    const label = amount && make("label", { for: amount.id }, say("amount", reward));
    line.replaceChildren(make("div", {}, question, ...(amount ? [label, amount] : [])), yes, no);
    (amount || yes).focus();
  };
  usual();
  return line;
}

function amountField(reward) {
  return make("input", { type: "number", id: `amount-${reward.id}`, value: reward.least,
    min: reward.least, max: reward.most, step: "any", inputmode: "decimal", required: true });
}

async function rewards() {
  if (me.state !== "member") return [door()];
  const { rewards: mine } = await ask("rewards");
  const told = mine.map((one) => make("div", { class: "row" },
    make("div", {}, make("h3", {}, one.name),
      one.code ? make("p", {}, `${say("code")}: `, make("code", {}, one.code)) : null,
      one.until && one.state === "usable"
        ? make("p", { class: "soft" }, say("valid_until", { date: lastDay(one.until) })) : null,
      one.state !== "usable" ? make("p", { class: "soft" }, say(`state_${one.state}`)) : null),
    one.state === "usable" ? useButton(one) : null));
  // The shop makes the code in its own time: it appears without being asked for again.
  if (mine.some((one) => one.state === "coming")) setTimeout(() => { if (tab === "rewards") show(); }, 2000);
  return [told.length ? list(told) : make("p", {}, say("rewards_none"))];
}

// Where the shop's address applies the code, the button leads there; elsewhere it copies the code
// first, to be entered at the checkout.
function useButton(one) {
  const described = { class: "button strong", "aria-label": say("use_named", { reward: one.name }) };
  const copies = () => copy(one.code);
  return one.href
    ? make("a", { ...described, href: one.href, target: "_top", rel: "noopener", onclick: one.copies && copies },
      say("use_now"))
    : make("button", { ...described, type: "button", onclick: copies }, say("use_now"));
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    announce(say("copied"), "good");
  } catch { /* the code stands there to be read */ }
}

async function referral() {
  if (me.state !== "member") return [door()];
  const { link } = await ask("referral");
  const input = make("input", { id: "link", readonly: true, value: link, dir: "ltr" });
  return [make("div", { class: "card" },
    make("p", {}, say("referral_lead")),
    make("label", { for: "link" }, say("referral_link")), input,
    make("p", {}, act(say("copy"), async () => {
      input.select();
      await copy(link);
    }, { class: "strong" })))];
}

async function balance() {
  if (me.state !== "member") return [door()];
  const lapsing = me.lapsing.map((one) =>
    make("span", {}, say("expire", { points: points(one.points), date: lastDay(one.at) })));
  const sum = make("div", { class: "card" },
    make("p", {}, say("available")),
    make("p", { class: "figure" }, points(me.available)),
    me.pending ? make("p", { class: "soft" }, `${say("pending")}: ${points(me.pending)}`) : null,
    me.tier ? make("p", {}, `${say("tier")}: ${me.tier}`) : null);
  return [sum, giftForm(), make("h2", {}, say("expires_title")),
    lapsing.length ? list(lapsing) : make("p", {}, say("expires_none")),
    make("h2", {}, say("movements")), await movements()];
}

async function movements() {
  const shown = make("ul", { class: "list" });
  const more = act(say("more"), () => next(shown.lastChild.dataset.id));
  const whole = make("div", {}, shown, more);
  async function next(before) {
    const page = await ask(before ? `movements?before=${before}` : "movements");
    shown.append(...page.movements.map(movement));
    more.hidden = !page.is_more;
    if (!shown.children.length) shown.replaceWith(make("p", {}, say("movements_none")));
  }
  await next("");
  return whole;
}

function movement(one) {
  const sign = one.points > 0 ? "+" : "−";
  return make("li", { "data-id": one.id }, make("div", { class: "row" },
    make("div", {}, make("p", {}, make("bdi", {}, one.text)), make("p", { class: "soft" }, day(new Date(one.at)))),
    make("span", { class: one.points > 0 ? "plus" : "minus" }, `${sign}${number(Math.abs(one.points))}`)));
}

function giftForm() {
  let key = newKey();
  const input = make("input", {
    id: "gift", name: "gift", autocomplete: "off", autocapitalize: "characters", spellcheck: "false",
    maxlength: "200", required: true, dir: "ltr", value: gift,
  });
  input.addEventListener("input", () => { key = newKey(); });
  const button = make("button", { class: "strong" }, say("gift_button"));
  const form = make("form", { class: "card", "aria-labelledby": "gift-title" },
    make("h2", { id: "gift-title" }, say("gift_title")),
    make("div", {}, make("label", { for: "gift" }, say("gift_label")), input), button);
  form.addEventListener("submit", busy(button, async () => {
    const answer = await ask("gift-code", { key, code: input.value });
    if (answer.state === "refused") {
      key = newKey();
      input.focus();
    } else {
      gift = "";
      await refresh();
    }
    announce(answer.text, answer.state === "refused" ? "bad" : "good");
  }));
  return form;
}

// A QR code leads to `#gift=CODE`: the code is filled in, and redeemed by the person alone.
function giftInAddress() {
  const found = /^#gift=([^&]{1,200})$/.exec(location.hash);
  if (!found) return "";
  history.replaceState(null, "", location.pathname + location.search);
  try {
    return decodeURIComponent(found[1]);
  } catch {
    return "";
  }
}

// --- inside a shop's page

function tell(type) {
  if (isPanel && parentOrigin && parent !== window) {
    parent.postMessage({ hub: settings.site, type }, parentOrigin);
  }
}

async function heard(event) {
  if (event.source !== parent || event.origin !== parentOrigin || event.data?.hub !== settings.site) return;
  const said = event.data;
  if (said.type === "opened" || said.isOpen) document.getElementById("name").focus();
  if (said.gift) {
    gift = said.gift;
    if (settings.tabs.includes("balance")) await choose("balance");
  }
  if (said.code) await takeCode(said.code);
  if (said.type === "customer" && me.state === "nobody") {
    await started;
    if (me.state === "nobody") await signIn({ token: said.token }).catch(() => {});
  }
}

// The focus stays in the panel while it is open, as in every dialog.
function keys(event) {
  if (event.key === "Escape") tell("close");
  if (event.key !== "Tab") return;
  const all = [...app.querySelectorAll("a[href], button, input, [tabindex]")].filter(
    (one) => !one.disabled && one.tabIndex >= 0 && one.getClientRects().length);
  const edge = event.shiftKey ? all[0] : all.at(-1);
  const isOutside = !all.includes(document.activeElement);
  if (document.activeElement === edge || (event.shiftKey && isOutside)) {
    event.preventDefault();
    (event.shiftKey ? all.at(-1) : all[0]).focus();
  }
}

async function start() {
  if (isPanel) token = keptToken();
  build();
  markTabs();
  if (isPanel) {
    addEventListener("message", heard);
    addEventListener("keydown", keys);
    tell("ready");
  }
  if (gift && settings.tabs.includes("balance")) tab = "balance";
  markTabs();
  // The page came with who is signed in by cookie; a token that only the frame keeps is shown now.
  await (token && me.state === "nobody" ? refresh() : greet());
  tell("shown");
}

const started = start();
