// Preact and htm: markup is built as elements, never as text, so what the service says is shown as it is and never run.
import { h, render, Component, createRef, Fragment } from './vendor/preact.mjs';
import htm from './vendor/htm.module.js';

export const html = htm.bind(h);
export { render, Component, createRef, Fragment };
