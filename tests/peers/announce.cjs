// Preloaded into the Node peer: says which port a server got, so that tests can start it on port 0.
const { Server } = require("node:net");

const { listen } = Server.prototype;

Server.prototype.listen = function (...options) {
  this.once("listening", () => {
    const address = this.address();
    if (address?.port) console.log(`listening on http://127.0.0.1:${address.port}`);
  });
  return listen.apply(this, options);
};
