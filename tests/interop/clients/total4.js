"use strict";

// The client of Total.js, version 4. What comes together with the end of the
// connection it may not hear, nor most codes.
//
// options: --accept-unmasked
// cannot: last empty binary big fragments ping close code compress abrupt tls status

const { module_of } = require("../manners.js");
const serve = require("../total.js");

module_of("total4");

serve(() => WEBSOCKETCLIENT(),
	(ws, code, reason) => ws.close(reason, code));
