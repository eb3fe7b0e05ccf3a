// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// What sites import that build the deposit page's overrides in their own mapping.js:
//
//   import { overriddenComponents as multipart } from "@js/invenio_multipart";
//   export const overriddenComponents = { ...multipart };

import { StatusCard } from "./deposit/PublishHint";
import { Uploader } from "./deposit/Uploader";

/** Component id of the deposit form -> our component in its place. */
export const overriddenComponents = {
  // The container and not one of the uploaders: it is the same whichever of
  // InvenioRDM's two uploaders the site has switched on.
  "InvenioAppRdm.Deposit.FileUploader.container": Uploader,
  // The card of the Publish button, with what publishing waits for below it.
  "InvenioAppRdm.Deposit.CardDepositStatusBox.container": StatusCard,
};

export { StatusCard, Uploader };
