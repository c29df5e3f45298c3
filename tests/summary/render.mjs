// Renders job summaries as GitHub would and takes pictures of them: light and dark, wide and narrow.
//
//   npm ci && node render.mjs [--out FOLDER] [--crop PIXELS] [NAME ...]
//
// NAME is that of a snapshot, without `.md`. Chromium is looked for on the path, or is where CHROMIUM says. GitHub's own
// pipeline is not public: Markdown becomes HTML by remark-gfm, is cleaned by rehype-sanitize (whose schema follows
// GitHub's), and looks as github-markdown-css says; charts are drawn by Mermaid itself.

import { accessSync, constants, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { chromium } from "playwright-core";
import rehypeRaw from "rehype-raw";
import rehypeSanitize from "rehype-sanitize";
import rehypeStringify from "rehype-stringify";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";

const here = dirname(fileURLToPath(import.meta.url));
const snapshots = join(here, "snapshots");
const pictured = ["all-recovered", "receiver-down", "given-up", "mixed"];
const widths = [1280, 400];
const themes = ["light", "dark"];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: "string", default: join(here, "pictures") }, crop: { type: "string" } },
});

const markdownToHtml = unified()
  .use(remarkParse)
  .use(remarkGfm)
  .use(remarkRehype, { allowDangerousHtml: true })
  .use(rehypeRaw)
  .use(rehypeSanitize)
  .use(rehypeStringify);

function html(name) {
  return String(markdownToHtml.processSync(readFileSync(join(snapshots, `${name}.md`), "utf8")));
}

/** Nothing from outside may have become markup: neither a picture nor a link that leads away from GitHub. */
function check(name) {
  const text = html(name);
  const links = [...text.matchAll(/<a [^>]*href="([^"]*)"/g)].map((match) => match[1]);
  const away = links.filter((link) => !/^https:\/\/(docs\.)?github\.com\//.test(link));
  const pictures = text.match(/<img/g) ?? [];
  if (away.length > 0 || pictures.length > 0) {
    throw new Error(`${name}: ${pictures.length} pictures, links to ${away.join(" ")}`);
  }
  console.log(`${name}: ${links.length} links, all of them to GitHub, and no pictures`);
}

function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not here.
      }
    }
  }
  throw new Error("no Chromium on the path: apt-get install chromium, or set CHROMIUM");
}

function page(body, theme) {
  const require = createRequire(import.meta.url);
  const css = readFileSync(require.resolve(`github-markdown-css/github-markdown-${theme}.css`), "utf8");
  const background = theme === "dark" ? "#0d1117" : "#ffffff";
  // GitHub's font, where this machine has none of it.
  const own = `body { margin: 0; background: ${background}; }
    .markdown-body { box-sizing: border-box; padding: 24px; font-family: "Liberation Sans", "Noto Color Emoji", sans-serif; }
    .mermaid { text-align: center; background: transparent; }
    .mermaid svg { max-width: 100%; height: auto; }`;
  return `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
    <style>${css}${own}</style><article class="markdown-body">${body}</article>`;
}

for (const file of readdirSync(snapshots).filter((file) => file.endsWith(".md"))) {
  check(file.replace(/\.md$/, ""));
}

const mermaid = readFileSync(join(here, "node_modules/mermaid/dist/mermaid.min.js"), "utf8");
mkdirSync(options.out, { recursive: true });
const browser = await chromium.launch({ executablePath: findChromium(), args: ["--no-sandbox"] });
try {
  for (const name of positionals.length > 0 ? positionals : pictured) {
    for (const theme of themes) {
      for (const width of widths) {
        const tab = await browser.newPage({ viewport: { width, height: 800 } });
        await tab.setContent(page(html(name), theme));
        await tab.addScriptTag({ content: mermaid });
        await tab.evaluate(async (dark) => {
          for (const code of document.querySelectorAll("code.language-mermaid")) {
            const chart = document.createElement("div");
            chart.className = "mermaid";
            chart.textContent = code.textContent;
            code.parentElement.replaceWith(chart);
          }
          window.mermaid.initialize({ startOnLoad: false, theme: dark ? "dark" : "default" });
          await window.mermaid.run();
        }, theme === "dark");
        const path = join(options.out, `${name}-${theme}-${width}.png`);
        const height = options.crop && Number(options.crop);
        await tab.screenshot(height ? { path, clip: { x: 0, y: 0, width, height } } : { path, fullPage: true });
        const overflow = await tab.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
        console.log(`${path}${overflow ? " (wider than the page!)" : ""}`);
        await tab.close();
      }
    }
  }
} finally {
  await browser.close();
}
