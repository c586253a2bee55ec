/** Prints how long the module of a function takes to import, in milliseconds. It preloads no model here. */
const [, , modulePath = ''] = process.argv;
const startMs = performance.now();
await import(modulePath);
console.log(performance.now() - startMs);
