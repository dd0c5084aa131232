"""The chart renders to manifests that Kubernetes' schemas accept, asks for every password, and keeps services apart."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from reelsense.settings import known_keys

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "helm" / "reelsense"
HELM = "sh deploy/helm/install-helm.sh"
KUBERNETES = "1.35"
SECRETS = {
    "REELSENSE_DATABASE_URL": "postgresql+psycopg://reelsense:a1a1a1a1a1a1@db.example.org/reelsense",
    "MLFLOW_BACKEND_STORE_URI": "postgresql+psycopg://mlflow:a2a2a2a2a2a2@db.example.org/mlflow",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://airflow:a3a3a3a3a3a3@db.example.org/airflow",
    "AIRFLOW__CELERY__BROKER_URL": "redis://:a4a4a4a4a4a4@redis.example.org:6379/0",
    "AIRFLOW__API_AUTH__JWT_SECRET": "b1b1b1b1b1b1b1b1b1b1b1b1",
    "AIRFLOW__API__SECRET_KEY": "b2b2b2b2b2b2b2b2b2b2b2b2",
    "AIRFLOW__CORE__FERNET_KEY": "b3b3b3b3b3b3b3b3b3b3b3b3",
    "AIRFLOW_ADMIN_PASSWORD": "c1c1c1c1c1c1",
    "GATE_PASSWORD": "c2c2c2c2c2c2",
    "REELSENSE_PAGE__ADMIN_PASSWORD": "c3c3c3c3c3c3",
    "REELSENSE_LINKS__API_KEY": "rs_0123456789ab_d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1",
    "REELSENSE_CRAWL__HASH_SALT": "e1e1e1e1e1e1",
    "REELSENSE_PAGE__SALT": "e2e2e2e2e2e2",
}
GIVEN: dict[str, Any] = {"publicAddress": "https://reviews.example.org", "secrets": {"values": SECRETS}}
# Further ways to install it, each beside GIVEN.
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "s3": {
        "s3": {"endpoint": "http://s3.example.org:9000", "objectStore": "s3://reviews/objects"},
        "mlflow": {"artifacts": "s3://reviews/models", "replicas": 2},
        "secrets": {"values": SECRETS | {"AWS_ACCESS_KEY_ID": "f1f1f1f1", "AWS_SECRET_ACCESS_KEY": "f2f2f2f2"}},
    },
    "own secret": {
        "secrets": {"existingSecret": "kept-elsewhere", "values": {}, "furtherNames": ["REELSENSE_SLACK__BOT_TOKEN"]},
        "storage": {name: {"existingClaim": f"my-{name}"} for name in ("home", "airflow", "mlflow")},
    },
    "ingress and tls": {
        "gateway": {"tls": {"secretName": "certificate"}},
        "ingress": {"enabled": True, "className": "nginx", "tlsSecretName": "outer", "annotations": {"a/b": "c"}},
        "api": {"autoscaling": {"enabled": False}, "replicas": 3},
        "image": {"registry": "registry.example.org/team", "tag": "abc", "pullSecrets": ["pull"]},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "only", "operator": "Exists"}],
        "priorityClassName": "high",
        "serviceAccount": {"annotations": {"role": "arn"}},
    },
    "oidc, a gpu, monitoring": {
        "settings": {
            "REELSENSE_PAGE__OIDC_CLIENT_ID": "me",
            "REELSENSE_AUTOMATION__TRAINING_QUEUE": "gpu",
            "REELSENSE_NEUTRAL_BELOW": 0.8,
        },
        "secrets": {
            "values": {
                **{name: value for name, value in SECRETS.items() if "ADMIN_PASSWORD" not in name},
                "AIRFLOW_ADMIN_PASSWORD": "c1c1c1c1c1c1",
                "REELSENSE_PAGE__OIDC_CLIENT_SECRET": "g1g1g1g1g1g1",
                "REELSENSE_PAGE__COOKIE_SECRET": "g2g2g2g2g2g2g2g2g2g2g2g2g2g2g2g2",
            }
        },
        "airflow": {"workers": {"gpu": {"queues": ["gpu"], "resources": {"limits": {"memory": "16Gi", "x/gpu": 1}}}}},
        "networkPolicy": {"database": {"to": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]}},
        "monitoring": {
            "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
            "alerts": (ROOT / "deploy/monitoring/alerts.yml").read_text(encoding="utf-8"),
            "dashboard": (ROOT / "deploy/monitoring/grafana/dashboards/reelsense.json").read_text(encoding="utf-8"),
        },
    },
}
Render = Callable[..., subprocess.CompletedProcess[str]]
Manifest = dict[str, Any]


def read(name: str) -> Any:
    """A file of the chart, YAML or JSON."""
    return yaml.safe_load((CHART / name).read_text(encoding="utf-8"))


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """As helm lays values over others."""
    result = copy.deepcopy(base)
    for key, value in over.items():
        result[key] = (
            merged(result[key], value) if isinstance(value, dict) and isinstance(result.get(key), dict) else value
        )
    return result


@pytest.fixture(scope="module")
def helm(tool: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory) -> Render:
    """`helm COMMAND` over the chart with values."""
    program = tool("helm", HELM)
    folder = tmp_path_factory.mktemp("helm")

    def run(*command: str, values: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        path = folder / "values.yaml"
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
        line = [program, *command, str(CHART), "--values", str(path)]
        return subprocess.run(line, capture_output=True, text=True, timeout=60, env=environment, check=False)

    return run


@pytest.fixture(scope="module")
def rendered(helm: Render) -> dict[str, list[Manifest]]:
    """Every way's manifests."""
    found = {}
    for way, over in WAYS.items():
        values = {**merged({**GIVEN, "secrets": {}}, over), "secrets": over.get("secrets", GIVEN["secrets"])}
        done = helm("template", "reviews", "--namespace", "reviews", values=values)
        assert done.returncode == 0, (way, done.stderr)
        found[way] = [one for one in yaml.safe_load_all(done.stdout) if one]
    return found


@pytest.fixture(scope="module")
def plain(rendered: dict[str, list[Manifest]]) -> list[Manifest]:
    return rendered["plain"]


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    """Those of some kinds."""
    return [one for one in manifests if one["kind"] in kinds]


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Component, metadata and spec of every pod."""
    for one in of_kind(manifests, "Deployment", "Job"):
        template = one["spec"]["template"]
        yield template["metadata"]["labels"]["app.kubernetes.io/component"], template["metadata"], template["spec"]


def containers(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Component and container of every container."""
    for component, _, spec in pods(manifests):
        for container in spec.get("initContainers", []) + spec["containers"]:
            yield component, container


def test_the_chart_is_of_this_project_s_version() -> None:
    chart = read("Chart.yaml")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert (chart["apiVersion"], chart["name"], chart["type"]) == ("v2", "reelsense", "application")
    assert chart["appVersion"] == project["version"]
    assert chart["description"] == project["description"]


def test_no_password_has_a_default() -> None:
    values = read("values.yaml")

    assert values["secrets"] == {"existingSecret": "", "furtherNames": [], "values": {}}
    assert values["publicAddress"] == ""


def test_the_schema_takes_the_defaults_and_every_way_to_install() -> None:
    schema = read("values.schema.json")
    jsonschema.Draft7Validator.check_schema(schema)
    check = jsonschema.Draft7Validator(schema)

    assert not list(check.iter_errors(read("values.yaml")))
    for over in WAYS.values():
        assert not list(check.iter_errors(merged(merged(read("values.yaml"), GIVEN), over)))


def test_the_schema_refuses_a_key_that_is_not_there_at_any_depth() -> None:
    check = jsonschema.Draft7Validator(read("values.schema.json"))
    free = {"settings", "values", "annotations", "labels", "requests", "limits", "nodeSelector", "workers"}

    def places(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        if isinstance(value, dict) and not (path and path[-1] in free):
            yield path
            for key, below in value.items():
                yield from places(below, (*path, key))

    found = list(places(read("values.yaml")))
    assert len(found) > 30
    for path in found:
        values = read("values.yaml")
        node = values
        for key in path:
            node = node[key]
        node["replcias"] = 1
        assert list(check.iter_errors(values)), path


@pytest.mark.parametrize(
    "wrong",
    [
        {"publicAddress": "https://reviews.example.org/"},
        {"settings": {"REELSENSE_PAGE__ADMIN_PASSWORD": "c3c3c3c3c3c3"}},
        {"settings": {"PATH": "/bin"}},
        {"secrets": {"values": {"LD_PRELOAD": "x"}}},
        {"s3": {"objectStore": "reviews/objects"}},
        {"api": {"replicas": 0}},
        {"airflow": {"workers": {"Not A Name": {"queues": ["default"]}}}},
        {"gateway": {"service": {"type": "ExternalName"}}},
    ],
)
def test_the_schema_refuses_values_that_cannot_work(wrong: dict[str, Any]) -> None:
    check = jsonschema.Draft7Validator(read("values.schema.json"))

    assert list(check.iter_errors(merged(merged(read("values.yaml"), GIVEN), wrong)))


def test_helm_finds_nothing_to_complain_of(helm: Render) -> None:
    done = helm("lint", "--strict", values=GIVEN)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_manifest_is_one_that_kubernetes_knows(rendered: dict[str, list[Manifest]]) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate").validate

    counted = 0
    for manifests in rendered.values():
        for manifest in manifests:
            # The Prometheus operator's own kinds are not Kubernetes'.
            if not manifest["apiVersion"].startswith("monitoring.coreos.com/"):
                validate(manifest, KUBERNETES, strict=True)
                counted += 1
    assert counted > 150


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_nothing_is_installed_without_a_password(helm: Render, name: str) -> None:
    without = {key: value for key, value in SECRETS.items() if key != name}

    done = helm("template", "reviews", values={**GIVEN, "secrets": {"values": without}})

    assert done.returncode != 0
    assert f"secrets.values.{name} is needed" in done.stderr


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("short", "has less than 12 characters"),
        ("CHANGE-ME-PLEASE", "is still the example's"),
        (SECRETS["AIRFLOW_ADMIN_PASSWORD"], "is the same as AIRFLOW_ADMIN_PASSWORD"),
    ],
)
def test_a_weak_password_is_refused_without_being_shown(helm: Render, value: str, why: str) -> None:
    done = helm("template", "reviews", values={**GIVEN, "secrets": {"values": SECRETS | {"GATE_PASSWORD": value}}})

    assert done.returncode != 0
    assert f"GATE_PASSWORD {why}" in done.stderr
    assert value not in done.stderr


def test_helm_refuses_a_misspelt_value_and_a_missing_address(helm: Render) -> None:
    misspelt = helm("template", "reviews", values={**GIVEN, "api": {"replcias": 3}})
    nowhere = helm("template", "reviews", values={"secrets": GIVEN["secrets"]})

    assert misspelt.returncode != 0
    assert "replcias" in misspelt.stderr
    assert nowhere.returncode != 0
    assert "publicAddress is needed" in nowhere.stderr


def test_every_pod_meets_the_restricted_standard(rendered: dict[str, list[Manifest]]) -> None:
    for manifests in rendered.values():
        for component, _, spec in pods(manifests):
            told = spec["securityContext"]
            assert told["runAsNonRoot"] is True, component
            assert told["runAsUser"] == (33 if component == "gateway" else 10001)
            assert told["seccompProfile"] == {"type": "RuntimeDefault"}
            assert spec["automountServiceAccountToken"] is False
            assert spec["enableServiceLinks"] is False
            assert {kind for volume in spec["volumes"] for kind in volume if kind != "name"} <= {
                "emptyDir",
                "persistentVolumeClaim",
                "secret",
            }
        for component, container in containers(manifests):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, component


def test_every_container_has_limits_a_place_for_temporary_files_and_probes(plain: list[Manifest]) -> None:
    for component, container in containers(plain):
        assert container["resources"]["limits"]["memory"], component
        assert container["resources"]["requests"]["cpu"], component
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}, component  # noqa: S108
    for one in of_kind(plain, "Deployment"):
        [container] = one["spec"]["template"]["spec"]["containers"]
        assert "livenessProbe" in container, one["metadata"]["name"]
        assert ("readinessProbe" in container) == ("ports" in container), one["metadata"]["name"]


def test_all_of_airflow_is_there_and_its_tasks_run_by_celery(rendered: dict[str, list[Manifest]]) -> None:
    commands = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]["containers"][0]["args"]
        for one in of_kind(rendered["oidc, a gpu, monitoring"], "Deployment")
        if one["metadata"]["name"].startswith("airflow-")
    }

    assert commands == {
        "airflow-api": ["api-server"],
        "airflow-scheduler": ["scheduler"],
        "airflow-dag-processor": ["dag-processor"],
        "airflow-triggerer": ["triggerer"],
        "airflow-worker-default": ["celery", "worker", "--queues", "default", "--concurrency", "2"],
        "airflow-worker-gpu": ["celery", "worker", "--queues", "gpu", "--concurrency", "2"],
    }
    executors = {
        variable["value"]
        for component, container in containers(rendered["plain"])
        if component.startswith("airflow-")
        for variable in container["env"]
        if variable["name"] == "AIRFLOW__CORE__EXECUTOR"
    }
    assert executors == {"CeleryExecutor"}


def test_schemas_are_migrated_before_anything_else_with_what_is_there_by_then(
    rendered: dict[str, list[Manifest]],
) -> None:
    for way, manifests in rendered.items():
        [job] = of_kind(manifests, "Job")
        hooks = {
            one["metadata"]["name"] for one in manifests if "helm.sh/hook" in one["metadata"].get("annotations", {})
        }
        spec = job["spec"]["template"]["spec"]
        assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
        used = {
            variable["valueFrom"]["secretKeyRef"]["name"]
            for container in spec["initContainers"] + spec["containers"]
            for variable in container["env"]
            if "valueFrom" in variable
        }
        assert used <= hooks | {"kept-elsewhere"}, way
        assert spec["serviceAccountName"] == "default"
        assert not [volume for volume in spec["volumes"] if "persistentVolumeClaim" in volume]


def test_each_pod_is_told_only_the_secrets_it_needs(rendered: dict[str, list[Manifest]]) -> None:
    told: dict[str, set[str]] = {}
    for component, container in containers(rendered["s3"]):
        names = {variable["name"] for variable in container["env"] if "valueFrom" in variable}
        told.setdefault(component, set()).update(names)

    assert told["gateway"] == {"GATE_PASSWORD"}
    assert told["ui"] == {"REELSENSE_LINKS__API_KEY", "REELSENSE_PAGE__ADMIN_PASSWORD", "REELSENSE_PAGE__SALT"}
    assert told["mlflow"] == {"MLFLOW_BACKEND_STORE_URI", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert "REELSENSE_DATABASE_URL" in told["api"]
    assert not {name for name in told["api"] if name.startswith(("AIRFLOW", "MLFLOW", "GATE", "REELSENSE_PAGE"))}
    assert not {name for name in told["airflow-scheduler"] if name.startswith(("MLFLOW", "GATE", "REELSENSE_PAGE"))}


def test_the_page_and_the_api_are_told_one_rule_for_neutral(rendered: dict[str, list[Manifest]]) -> None:
    told = {
        component: variable["value"]
        for component, container in containers(rendered["oidc, a gpu, monitoring"])
        for variable in container["env"]
        if variable["name"] == "REELSENSE_NEUTRAL_BELOW"
    }
    assert told["ui"] == told["api"] == "0.8"


def test_passwords_stand_in_secrets_only(rendered: dict[str, list[Manifest]]) -> None:
    for manifests in rendered.values():
        text = json.dumps([one for one in manifests if one["kind"] != "Secret"])
        assert not [name for name, value in SECRETS.items() if value in text]
    assert not of_kind(rendered["own secret"], "Secret")
    names = {
        variable["valueFrom"]["secretKeyRef"]["name"]
        for _, container in containers(rendered["own secret"])
        for variable in container["env"]
        if "valueFrom" in variable
    }
    assert names == {"kept-elsewhere"}


def test_every_setting_is_one_that_reelsense_knows(rendered: dict[str, list[Manifest]]) -> None:
    known = {"REELSENSE_" + key.upper().replace(".", "__") for key in known_keys()}
    told = {
        variable["name"]
        for manifests in rendered.values()
        for _, container in containers(manifests)
        for variable in container["env"]
        if variable["name"].startswith("REELSENSE_")
    }

    assert told - known == set()


def test_every_address_inside_leads_to_a_service_and_every_service_to_its_pods(plain: list[Manifest]) -> None:
    services = {
        one["metadata"]["name"]: {port["port"]: port["targetPort"] for port in one["spec"]["ports"]}
        for one in of_kind(plain, "Service")
    }
    asked = {
        found
        for _, container in containers(plain)
        for variable in container["env"]
        for found in re.findall(r"^http://([a-z-]+):(\d+)", str(variable.get("value", "")))
    }
    # What nginx looks for.
    asked |= {("ui", "8501"), ("api", "8000"), ("mlflow", "5000"), ("airflow-api", "8080")}
    for name, port in asked:
        assert int(port) in services[name], name
    for one in of_kind(plain, "Service"):
        wanted = one["spec"]["selector"].items()
        found = [spec for _, metadata, spec in pods(plain) if wanted <= metadata["labels"].items()]
        assert len(found) == 1, one["metadata"]["name"]
        name, listens = (
            one["metadata"]["name"],
            {port["name"]: port["containerPort"] for port in found[0]["containers"][0]["ports"]},
        )
        leads_to = {port: listens[target] for port, target in services[name].items()}
        # The images listen where compose finds them, too.
        assert leads_to == ({80: 8080} if name == "gateway" else {port: port for port in services[name]}), name


def test_every_claim_is_made_or_given(rendered: dict[str, list[Manifest]]) -> None:
    for way, manifests in rendered.items():
        made = {one["metadata"]["name"] for one in of_kind(manifests, "PersistentVolumeClaim")}
        used = {
            volume["persistentVolumeClaim"]["claimName"]
            for _, _, spec in pods(manifests)
            for volume in spec["volumes"]
            if "persistentVolumeClaim" in volume
        }
        assert made == set() if way == "own secret" else made == used, way
    assert "reviews-mlflow" in {one["metadata"]["name"] for one in of_kind(rendered["plain"], "PersistentVolumeClaim")}
    assert "reviews-mlflow" not in {one["metadata"]["name"] for one in of_kind(rendered["s3"], "PersistentVolumeClaim")}


def test_only_those_who_need_the_database_or_the_world_reach_it(plain: list[Manifest]) -> None:
    reach: dict[str, set[int]] = {}
    for policy in of_kind(plain, "NetworkPolicy"):
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        component = policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        outside = [rule for rule in policy["spec"]["egress"] if not rule.get("to") or "ipBlock" in rule["to"][0]]
        reach[component] = {port["port"] for rule in outside for port in rule["ports"]} - {53}
    airflow = {name for name in reach if name.startswith("airflow-")}

    assert {component for component, _, _ in pods(plain)} == set(reach)
    assert {name for name, ports in reach.items() if 5432 in ports} == {"api", "mlflow", "migrate"} | airflow
    assert {name for name, ports in reach.items() if 6379 in ports} == airflow
    assert reach["gateway"] == reach["ui"] == set()
    assert reach["migrate"] == {5432}


def test_a_call_that_one_policy_lets_out_the_other_lets_in(plain: list[Manifest]) -> None:
    policies = {
        one["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]: one["spec"]
        for one in of_kind(plain, "NetworkPolicy")
    }

    def peers(rules: list[Manifest] | None, side: str) -> set[tuple[str, int]]:
        return {
            (peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"], port["port"])
            for rule in rules or []
            for peer in rule.get(side, [])
            if "app.kubernetes.io/component" in peer.get("podSelector", {}).get("matchLabels", {})
            for port in rule["ports"]
        }

    out = {(name, *to) for name, spec in policies.items() for to in peers(spec["egress"], "to")}
    into = {(who, name, port) for name, spec in policies.items() for who, port in peers(spec["ingress"], "from")}
    logs = {call for call in into if call[2] in (8793, 8794)}

    assert out == into - logs
    inside = {name for name in policies if name.startswith("airflow-")}
    assert {call[:2] for call in out} == {
        *(("gateway", name) for name in ("ui", "api", "mlflow", "airflow-api")),
        *(("ui", "api"), ("api", "mlflow"), ("api", "airflow-api")),
        *((name, to) for name in inside for to in ("mlflow", "api", "airflow-api")),
    }
    assert {call[1:] for call in out} == {("ui", 8501), ("api", 8000), ("mlflow", 5000), ("airflow-api", 8080)}
    assert logs == {("airflow-api", "airflow-triggerer", 8794), ("airflow-api", "airflow-worker-default", 8793)}


def test_several_api_replicas_grow_by_load_or_stand_as_told(rendered: dict[str, list[Manifest]]) -> None:
    def replicas(way: str) -> object:
        [api] = [one for one in of_kind(rendered[way], "Deployment") if one["metadata"]["name"] == "api"]
        return api["spec"].get("replicas")

    [scaler] = of_kind(rendered["plain"], "HorizontalPodAutoscaler")
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (2, 10)
    assert replicas("plain") is None
    assert not of_kind(rendered["ingress and tls"], "HorizontalPodAutoscaler")
    assert replicas("ingress and tls") == 3
    assert {one["metadata"]["name"] for one in of_kind(rendered["plain"], "PodDisruptionBudget")} == {"api", "gateway"}


def test_the_only_way_in_is_the_gateway(rendered: dict[str, list[Manifest]]) -> None:
    outside = [
        one for one in of_kind(rendered["plain"], "Service") if one["spec"].get("type", "ClusterIP") != "ClusterIP"
    ]
    assert [one["metadata"]["name"] for one in outside] == ["gateway"]

    [ingress] = of_kind(rendered["ingress and tls"], "Ingress")
    [rule] = ingress["spec"]["rules"]
    assert rule["host"] == "reviews.example.org"
    assert rule["http"]["paths"][0]["backend"]["service"] == {"name": "gateway", "port": {"name": "https"}}
    services = of_kind(rendered["ingress and tls"], "Service")
    assert {one["spec"].get("type", "ClusterIP") for one in services} == {"ClusterIP"}


def test_alerts_and_dashboard_reach_the_operator_unchanged(rendered: dict[str, list[Manifest]]) -> None:
    manifests = rendered["oidc, a gpu, monitoring"]
    [rule] = of_kind(manifests, "PrometheusRule")
    [monitor] = of_kind(manifests, "ServiceMonitor")
    [board] = of_kind(manifests, "ConfigMap")

    assert rule["spec"] == yaml.safe_load((ROOT / "deploy/monitoring/alerts.yml").read_text(encoding="utf-8"))
    assert json.loads(board["data"]["reelsense.json"])["uid"] == "reelsense"
    # The alerts ask for job="api": that label of the Service becomes the job.
    [service] = [one for one in of_kind(manifests, "Service") if one["metadata"]["name"] == "api"]
    assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "api"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert not of_kind(rendered["plain"], "ServiceMonitor", "PrometheusRule", "ConfigMap")


def test_images_have_the_names_that_compose_builds_and_the_tag_that_is_told(
    rendered: dict[str, list[Manifest]],
) -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"].values()
    built = {service["image"] for service in services if str(service.get("image")).startswith("reelsense-")}
    images = {container["image"] for _, container in containers(rendered["ingress and tls"])}

    assert {image.removeprefix("registry.example.org/team/").removesuffix(":abc") for image in images} <= built
