/** Data files as pages: their tensors as a table, and stacks of images as pictures with their labels. */

import type * as vscode from "vscode";
import type { SamplePictures, TensorFile } from "../protocol.generated";
import type { Server } from "../server";
import { FilePages, type Talk, type Waiting } from "./filePage";

/** What the page is told. */
export type ToPage =
    | Waiting
    | { type: "tensors"; file: TensorFile }
    | { type: "tensor"; file: TensorFile }
    | { type: "samples"; tensor: string | null; from: number; samples: SamplePictures };

/** What the page says. */
export type FromPage = { type: "read"; tensor: string } | { type: "samples"; tensor: string | null; from: number; count: number };

export class TensorPages extends FilePages<ToPage, FromPage> {
    constructor(context: vscode.ExtensionContext, server: Server) {
        super(context, server, "qnn.tensors", { title: "Tensors", script: "tensors.js", styles: ["page.css", "files.css"], pictures: true });
    }

    protected async show({ uri, tell }: Talk<ToPage>): Promise<void> {
        const file = await this.server.tensors({ uri: uri.toString() });
        if (file !== undefined) tell({ type: "tensors", file });
    }

    protected async hear({ uri, tell }: Talk<ToPage>, said: FromPage): Promise<void> {
        const of = { uri: uri.toString() };
        if (said.type === "read") {
            const file = await this.server.tensors({ ...of, tensor: said.tensor });
            if (file !== undefined) tell({ type: "tensor", file });
        } else {
            const { tensor, from, count } = said;
            const samples = await this.server.samples({ ...of, tensor, from, count });
            if (samples !== undefined) tell({ type: "samples", tensor, from, samples });
        }
    }
}
