// Loaded into the program by `NODE_OPTIONS=--import=…/hosts.mjs`: a machine that knows the names of the tests' hosts,
// and need ask no proxy for them.
import dns from "node:dns"

const { lookup } = dns
dns.lookup = (name, options, done) => lookup(name.endsWith(".longshore.test") ? "127.0.0.1" : name, options, done)
