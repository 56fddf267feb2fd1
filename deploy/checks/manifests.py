"""Checks the files for Kubernetes and for containers, without either.

Kubernetes' own schemas judge its resources; the topics and users for Strimzi are judged by deploy/kubernetes/
strimzi.schema.json, which is ours. Compose's specification judges the compose files, hadolint the Dockerfile. Beyond
what a schema can say: names that one file uses and another defines, and the hardening that no container goes without.
With the folder of built programs as its argument it has the daemons check the configurations in the ConfigMaps.
Not for: whether any of it starts, which takes a cluster and a container engine.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import compose_spec
import jsonschema
import kubernetes_validate
import yaml

DEPLOY = Path(__file__).resolve().parent.parent
KUBERNETES = ["1.31.0", "1.37.0"]
DAEMONS = {
    "fanout.toml": ["sanchar-fanout"],
    "producer.toml": ["sanchar-producer"],
    "exporter.toml": ["sanchar", "exporter"],
}

problems = []


def check(right, problem):
    if not right:
        problems.append(problem)


def documents(name):
    text = (DEPLOY / "kubernetes" / name).read_text(encoding="utf-8")
    return [document for document in yaml.safe_load_all(text) if document]


def by_schemas(name, resources):
    for version in KUBERNETES:
        for resource in resources:
            try:
                kubernetes_validate.validate(resource, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                where = "/".join(str(part) for part in error.path)
                problems.append(f"{name}: {resource['kind']} for {version}: {where}: {error.message}")


def by_strimzi_schema(name, resources):
    schema = json.loads((DEPLOY / "kubernetes" / "strimzi.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for resource in resources:
        for error in validator.iter_errors(resource):
            where = "/".join(str(part) for part in error.path)
            problems.append(f"{name}: {resource['metadata']['name']}: {where}: {error.message}")
    names = [resource["metadata"]["name"] for resource in resources]
    check(names and len(names) == len(set(names)), f"{name}: no resource, or a name twice")


def hardened(name, workload):
    pod = workload["spec"]["template"]["spec"]
    security = pod.get("securityContext", {})
    check(security.get("runAsNonRoot") is True, f"{name}: the pod may run as root")
    check(security.get("seccompProfile", {}).get("type") == "RuntimeDefault", f"{name}: no seccomp profile")
    check(pod.get("automountServiceAccountToken") is False, f"{name}: the pod gets a token that it has no use for")
    for container in pod["containers"]:
        inside = container.get("securityContext", {})
        check(inside.get("readOnlyRootFilesystem") is True, f"{name}: the container's root can be written")
        check(inside.get("allowPrivilegeEscalation") is False, f"{name}: privileges can be gained")
        check(inside.get("capabilities", {}).get("drop") == ["ALL"], f"{name}: capabilities are kept")
        check({"livenessProbe", "readinessProbe"} <= container.keys(), f"{name}: a probe is missing")
        resources = container.get("resources", {})
        check("memory" in resources.get("limits", {}), f"{name}: memory is not limited")
        check({"cpu", "memory"} <= resources.get("requests", {}).keys(), f"{name}: nothing is requested")
    check(pod["terminationGracePeriodSeconds"] > 10, f"{name}: killed before its own grace is over")


def fit_together(name, resources, users):
    """What a daemon's file names is there: its user, its disruption budget, its volumes."""
    workloads = [resource for resource in resources if resource["kind"] in ("StatefulSet", "Deployment")]
    check(len(workloads) == 1, f"{name}: needs one StatefulSet or Deployment")
    for workload in workloads:
        hardened(name, workload)
        labels = workload["spec"]["template"]["metadata"]["labels"]
        selects = [("NetworkPolicy", "podSelector")]
        if workload["kind"] == "StatefulSet":
            selects.append(("PodDisruptionBudget", "selector"))
        for kind, path in selects:
            selected = [resource["spec"][path]["matchLabels"] for resource in resources if resource["kind"] == kind]
            check(selected == [labels], f"{name}: {kind} does not select the pods")
        pod = workload["spec"]["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        volumes |= {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
        mounts = [mount for container in pod["containers"] for mount in container["volumeMounts"]]
        check({mount["name"] for mount in mounts} == volumes, f"{name}: volumes and mounts differ")
        secrets = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
        secrets.discard("sanchar-cluster-ca-cert")
        check(secrets <= users and secrets, f"{name}: the secret of a user that users.yaml lacks: {secrets - users}")
    for config in (resource for resource in resources if resource["kind"] == "ConfigMap"):
        for text in config["data"].values():
            user = re.search(r'^sasl_username = "(.*)"$', text, re.MULTILINE)
            check(user and user.group(1) in users, f"{name}: logs in as nobody of users.yaml")


def by_the_daemon(name, resources, programs):
    """Has the daemon check the configuration, with its files where they can be read here."""
    for config in (resource for resource in resources if resource["kind"] == "ConfigMap"):
        for key, text in config["data"].items():
            with tempfile.TemporaryDirectory() as folder:
                files = re.findall(r'^\w+_file = "(.*)"$', text, re.MULTILINE)
                for file in files:
                    here = Path(folder + file)
                    here.parent.mkdir(parents=True, exist_ok=True)
                    here.write_text("invented\n", encoding="utf-8")
                    text = text.replace(f'"{file}"', f'"{here}"')
                example = DEPLOY / "examples" / "data" / "karnataka-fir-excerpt.csv"
                text = text.replace("/srv/crime-export/*.csv", str(example))
                file = Path(folder, key)
                file.write_text(text, encoding="utf-8")
                program, *words = DAEMONS[key]
                command = [str(programs / program), *words, "-c", str(file), "check-config"]
                # The fan-out's; another daemon passes over it.
                environment = dict(os.environ, SANCHAR__INSTANCE_ID="sanchar-fanout-0")
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
                check(done.returncode == 0, f"{name}: {key}: {done.stderr or done.stdout}")


def services_of(whole, folder):
    services = set(whole["services"])
    for included in whole.get("include", []):
        services |= services_of(yaml.safe_load((folder / included).read_text(encoding="utf-8")), folder)
    return services


def compose():
    stages = set(re.findall(r" AS (\w+)$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
    for file in [DEPLOY / "compose" / "compose.yaml", DEPLOY / "stack" / "compose.yaml"]:
        name = file.relative_to(DEPLOY)
        # With the variables' defaults, and what merge keys stand for written out: the specification's types know neither.
        text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", file.read_text(encoding="utf-8"))
        whole = yaml.safe_load(text)
        try:
            compose_spec.PyCompose.from_yaml(yaml.safe_dump(whole)).validate()
        except Exception as error:  # noqa: BLE001  whatever the library raises is what is wrong
            problems.append(f"{name}: {error}")
        services = services_of(whole, file.parent)
        for service_name, service in whole["services"].items():
            lacking = set(service.get("depends_on", {})) - services
            check(not lacking, f"{name}: {service_name} depends on {lacking}")
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                there = (file.parent / source).exists() if source.startswith(".") else source in whole["volumes"]
                check(there, f"{name}: {service_name}: {source} is not there")
            if "build" in service:
                check(service["build"]["target"] in stages, f"{name}: {service_name}: the Dockerfile lacks its stage")
                check((file.parent / service["build"]["context"] / "Cargo.lock").exists(), f"{name}: context")


def dockerfile():
    hadolint = shutil.which("hadolint", path=os.path.dirname(sys.executable))
    check(hadolint, "hadolint is not installed beside this Python")
    if hadolint:
        command = [hadolint, "--no-color", str(DEPLOY / "Dockerfile")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        check(done.returncode == 0 and not done.stdout, done.stdout + done.stderr)


def main():
    users = documents("users.yaml")
    by_strimzi_schema("topics.yaml", documents("topics.yaml"))
    by_strimzi_schema("users.yaml", users)
    names = {user["metadata"]["name"] for user in users}
    for name in ["fanout.yaml", "producer.yaml", "exporter.yaml"]:
        resources = documents(name)
        by_schemas(name, resources)
        fit_together(name, resources, names)
        if len(sys.argv) > 1:
            by_the_daemon(name, resources, Path(sys.argv[1]).resolve())
    listed = documents("kustomization.yaml")[0]["resources"]
    here = {file.name for file in (DEPLOY / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    check(set(listed) == here, f"kustomization.yaml lists {sorted(listed)}, and there are {sorted(here)}")
    compose()
    dockerfile()
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"manifests: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
