export * from "../../clients/js/index.js"; // the types, where the modules in client/ look for them
