"""A client that shares no code with Semblance: Python's grpcio with stubs generated from the published protos.

Usage: python_client_test.py BIN_DIR PROTO_DIR; needs protoc and grpc_python_plugin on the PATH, and the Python packages grpc and
google.protobuf.
"""

import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

import grpc

BIN_DIR, PROTO_DIR = sys.argv[1:3]


def png(label, variant, side=24):
    """Makes a gray image of stripes. The label sets their width, and the variant sets their phase."""
    rows = b"".join(
        b"\0" + bytes(((x + variant) // (label + 1) % 2) * 200 + (variant * 7 + y) % 30 for x in range(side)) for y in range(side)
    )

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def generate_stubs(out):
    protos = [os.path.join("semblance/v1", name) for name in sorted(os.listdir(os.path.join(PROTO_DIR, "semblance/v1")))]
    protos.append("google/rpc/error_details.proto")
    plugin = shutil.which("grpc_python_plugin")
    subprocess.run(
        ["protoc", f"-I{PROTO_DIR}", f"--python_out={out}", f"--grpc_out={out}", f"--plugin=protoc-gen-grpc={plugin}", *protos],
        check=True,
    )
    sys.path.insert(0, out)


def train_bundle(directory):
    for label in range(2):
        for split in ("train", "test"):
            folder = os.path.join(directory, "images", split, str(label))
            os.makedirs(folder)
            for variant in range(4):
                with open(os.path.join(folder, f"{variant}.png"), "wb") as file:
                    file.write(png(label, variant))
    bundle = os.path.join(directory, "bundle")
    config = os.path.join(directory, "config.textproto")
    with open(config, "w") as file:
        file.write(
            f'model_name: "stripes" output_dir: "{bundle}" epochs: 0 data {{ path: "{directory}/images" }} '
            "model { input_side: 24 input_channels: 1 dimension: 16 convnet_channels: 8 convnet_convolutions_per_stage: 1 }"
        )
    subprocess.run([os.path.join(BIN_DIR, "semblance-trainer"), f"--config={config}"], check=True)
    return bundle


class PythonClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        stubs = os.path.join(cls.directory.name, "stubs")
        os.makedirs(stubs)
        generate_stubs(stubs)
        cls.server = subprocess.Popen(
            [
                os.path.join(BIN_DIR, "semblance-server"),
                "--data_dir=" + os.path.join(cls.directory.name, "data"),
                "--model=" + train_bundle(cls.directory.name),
                "--listen=127.0.0.1:0",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        address = cls.server.stdout.readline().split()[-1]
        cls.channel = grpc.insecure_channel(address)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        cls.server.send_signal(signal.SIGTERM)
        assert cls.server.wait() == 0
        cls.server.stdout.close()
        cls.directory.cleanup()

    def wait_until_serving(self):
        from semblance.v1 import admin_service_pb2, admin_service_pb2_grpc

        stub = admin_service_pb2_grpc.AdminServiceStub(self.channel)
        while True:
            info = stub.GetServerInfo(admin_service_pb2.GetServerInfoRequest(), wait_for_ready=True)
            if info.state == admin_service_pb2.SERVER_STATE_SERVING:
                return info

    def test_embeds_upserts_and_searches(self):
        from semblance.v1 import catalog_service_pb2, catalog_service_pb2_grpc, embedding_service_pb2, embedding_service_pb2_grpc
        from semblance.v1 import search_service_pb2, search_service_pb2_grpc

        info = self.wait_until_serving()
        catalog = catalog_service_pb2_grpc.CatalogServiceStub(self.channel)
        items = [
            catalog_service_pb2.Item(id=f"{label}/{variant}", image=png(label, variant), label=str(label))
            for label in range(3)
            for variant in range(5)
        ]
        items[0].attributes["price"].double_value = 9.5
        items[0].attributes["stock"].int_value = 3
        written = catalog.UpsertItems(catalog_service_pb2.UpsertItemsRequest(items=items))
        self.assertEqual(list(written.sequences), list(range(1, 16)))

        embedding = embedding_service_pb2_grpc.EmbeddingServiceStub(self.channel)
        embedded = embedding.EmbedImages(embedding_service_pb2.EmbedImagesRequest(images=[png(0, 0)]))
        vector = embedded.embeddings[0]
        self.assertEqual(len(vector.values), info.model.dimension)
        self.assertAlmostEqual(sum(value * value for value in vector.values), 1.0, places=5)

        search = search_service_pb2_grpc.SearchServiceStub(self.channel)
        queries = [
            search_service_pb2.Query(image=png(0, 0)),
            search_service_pb2.Query(embedding=vector),
            search_service_pb2.Query(item_id="0/0"),
        ]
        found = search.BatchSearch(
            search_service_pb2.BatchSearchRequest(
                queries=queries, top_k=4, include_attributes=True, min_sequence=written.provenance.applied_sequence
            )
        )
        by_image, by_vector, by_item = found.results
        self.assertEqual(by_image.neighbors[0].item_id, "0/0")
        self.assertAlmostEqual(by_image.neighbors[0].score, 1.0, places=4)
        self.assertEqual(by_image.neighbors[0].attributes["price"].double_value, 9.5)
        self.assertEqual(by_image.neighbors[0].attributes["stock"].int_value, 3)
        self.assertEqual([n.item_id for n in by_vector.neighbors], [n.item_id for n in by_image.neighbors])
        self.assertEqual([n.item_id for n in by_item.neighbors][:3], [n.item_id for n in by_image.neighbors][1:])
        self.assertEqual(found.provenance.embedding_space_id, info.provenance.embedding_space_id)
        self.assertGreater(found.latency.total.nanos, 0)

    def test_errors_carry_reason_and_field(self):
        from google.rpc import error_details_pb2
        from semblance.v1 import search_service_pb2, search_service_pb2_grpc

        self.wait_until_serving()
        search = search_service_pb2_grpc.SearchServiceStub(self.channel)
        with self.assertRaises(grpc.RpcError) as raised:
            search.Search(search_service_pb2.SearchRequest(query=search_service_pb2.Query(image=b"no image"), top_k=1))
        self.assertEqual(raised.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        details = dict(raised.exception.trailing_metadata())["grpc-status-details-bin"]
        info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        for detail in error_details_pb2.Status.FromString(details).details:
            detail.Unpack(info)
            detail.Unpack(bad_request)
        self.assertEqual(info.reason, "UNSUPPORTED_MEDIA")
        self.assertEqual(bad_request.field_violations[0].field, "query.image")

    def test_reflection_lists_the_services(self):
        call = self.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        list_services = b"\x3a\x00"  # ServerReflectionRequest.list_services = "".
        answer = next(call(iter([list_services])))
        for service in ("AdminService", "CatalogService", "EmbeddingService", "SearchService"):
            self.assertIn(b"semblance.v1." + service.encode(), answer)
        self.assertIn(b"grpc.health.v1.Health", answer)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
