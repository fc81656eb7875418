// Screens of whoever works with data, loaded together.
export { default as sources } from './sources';
export { default as wizard } from './wizard';
export { default as topics } from './topics';
export { default as tail } from './tail';
export { default as pipelines } from './pipelines';
