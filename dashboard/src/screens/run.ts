// Screens of whoever runs a cluster, loaded together: apart they would weigh half as much again.
export { default as cluster } from './cluster';
export { default as nodes } from './node';
export { default as listeners } from './listeners';
export { default as storage } from './storage';
export { default as mesh } from './mesh';
export { default as gaps } from './gaps';
export { default as events } from './events';
export { default as access } from './access';
